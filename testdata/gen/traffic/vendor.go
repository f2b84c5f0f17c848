package traffic

// prefixes is one way to name the namespaces of an envelope.
type prefixes struct{ env, enc, cwmp, xsd, xsi string }

var prefixStyles = []prefixes{
	{"soap-env", "soap-enc", "cwmp", "xsd", "xsi"},
	{"SOAP-ENV", "SOAP-ENC", "cwmp", "xsd", "xsi"},
	{"soapenv", "soapenc", "cwmp", "xs", "xsi"},
	{"soap", "enc", "cwmp", "xsd", "xsi"},
	{"s", "e", "c", "x", "i"},
}

// vendor is how the devices of one maker speak.
type vendor struct {
	manufacturer, oui, class, software string

	agent     string
	style     int // of prefixStyles
	igd       bool
	minor     byte // of the CWMP namespace
	indent    string
	chunked   bool
	auth      string // "", "Basic" or "Digest"
	reconnect bool   // a connection for every exchange, the session goes on by its cookie
	ipv6      bool
	lower     bool // header names in lower case
	crlf      bool // pretty-printed lines end in CRLF
}

var vendors = []vendor{
	{manufacturer: "Alpenrouter AG", oui: "0A1B2C", class: "AR-7530", software: "7.57", agent: "AlpenAgent/2.1", style: 0, igd: true},
	{manufacturer: "Blue Fjord", oui: "1C2D3E", class: "BF100", software: "1.0.19-r3", agent: "bfcwmp", style: 1, igd: false, minor: 2},
	{manufacturer: "Casa Lumen", oui: "2E3F40", class: "Lumen GPON", software: "V5R020C00S050", agent: "HomeGateway/1.0", style: 2, igd: true, indent: "  "},
	{manufacturer: "Delta & Sons", oui: "30A1B2", class: "D&S-VDSL", software: "3.12.8", agent: "DS CPE 3", style: 1, igd: true, auth: "Digest"},
	{manufacturer: "Ekho Networks", oui: "42C3D4", class: "EchoCell", software: "QRTB 2.9", agent: "gSOAP-like/2.8", style: 1, igd: false, indent: "\t", crlf: true},
	{manufacturer: "Fennel", oui: "54E5F6", class: "FN-AX3000", software: "24.10.1", agent: "fennelcwmp/24", style: 0, igd: false, minor: 4, ipv6: true},
	{manufacturer: "Granite Telecom", oui: "66A7B8", class: "GT STB", software: "8.4", agent: "GT-STB", style: 3, igd: false, auth: "Basic", chunked: true},
	{manufacturer: "Hinterland", oui: "78C9DA", class: "H20", software: "2.0.1", agent: "hland", style: 4, igd: true, reconnect: true},
	{manufacturer: "Ísland Sími", oui: "8AEBFC", class: "IS-5G", software: "5.1 build 77", agent: "simi-tr069", style: 2, igd: false, indent: "    ", minor: 1},
	{manufacturer: "Jasmine Co.,Ltd.", oui: "9C0D1E", class: "J-ONT", software: "JO_1.1.6", agent: "jasmine", style: 0, igd: true, lower: true},
}

// server is how one ACS speaks.
type server struct {
	name    string
	style   int
	chunked bool
	end204  bool // ends with 204; else with 200 and nothing
	cookie  string
	indent  string
}

var servers = []server{
	{name: "acs-a", style: 0, end204: true, cookie: "session"},
	{name: "acs-b/4.2", style: 1, chunked: true, cookie: "JSESSIONID"},
	{name: "acs-c", style: 2, cookie: "SID", indent: "  "},
}
