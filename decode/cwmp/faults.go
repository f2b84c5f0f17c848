package cwmp

// The sides of a fault (TR-069 A.5): who is to blame in SOAP's words.
const (
	SideClient = "Client" // whoever sent the request
	SideServer = "Server" // whoever answers it
)

// faultName is a fault code of TR-069 A.5.
type faultName struct {
	code       int
	name, side string
}

var faultTable = [...]faultName{
	{8000, "Method not supported", SideServer},
	{8001, "Request denied", SideServer},
	{8002, "Internal error", SideServer},
	{8003, "Invalid arguments", SideClient},
	{8004, "Resources exceeded", SideServer},
	{8005, "Retry request", SideServer},
	{8006, "ACS version incompatible with CPE", SideServer},
	{9000, "Method not supported", SideServer},
	{9001, "Request denied (no reason specified)", SideServer},
	{9002, "Internal error", SideServer},
	{9003, "Invalid arguments", SideClient},
	{9004, "Resources exceeded", SideServer},
	{9005, "Invalid parameter name", SideClient},
	{9006, "Invalid parameter type", SideClient},
	{9007, "Invalid parameter value", SideClient},
	{9008, "Attempt to set a non-writable parameter", SideClient},
	{9009, "Notification request rejected", SideServer},
	{9010, "File transfer failure", SideServer},
	{9011, "Upload failure", SideServer},
	{9012, "File transfer server authentication failure", SideServer},
	{9013, "Unsupported protocol for file transfer", SideServer},
	{9014, "File transfer failure: unable to join multicast group", SideServer},
	{9015, "File transfer failure: unable to contact file server", SideServer},
	{9016, "File transfer failure: unable to access file", SideServer},
	{9017, "File transfer failure: unable to complete download", SideServer},
	{9018, "File transfer failure: file corrupted", SideServer},
	{9019, "File transfer failure: file authentication failure", SideServer},
	{9020, "File transfer failure: unable to complete download within specified time windows", SideClient},
	{9021, "Cancelation of file transfer not permitted in current transfer state", SideClient},
	{9022, "Invalid UUID format", SideServer},
	{9023, "Unknown execution environment", SideServer},
	{9024, "Disabled execution environment", SideServer},
	{9025, "Deployment unit to execution environment mismatch", SideServer},
	{9026, "Duplicate deployment unit", SideServer},
	{9027, "System resources exceeded", SideServer},
	{9028, "Unknown deployment unit", SideServer},
	{9029, "Invalid deployment unit state", SideServer},
	{9030, "Invalid deployment unit update: downgrade not permitted", SideServer},
	{9031, "Invalid deployment unit update: version not specified", SideServer},
	{9032, "Invalid deployment unit update: version already exists", SideServer},
}

// FaultName is the name of a fault code and its side, "Client" or "Server"
// (TR-069 A.5, reference 3). Codes of the vendors' ranges are named so, with
// side "". ok is false for codes that are not assigned, and 0 is no fault.
func FaultName(code int) (name, side string, ok bool) {
	for i := range faultTable {
		if f := &faultTable[i]; f.code == code {
			return f.name, f.side, true
		}
	}
	if code >= 9800 && code <= 9899 || code >= 8800 && code <= 8899 {
		return "Vendor fault", "", true
	}
	return "", "", false
}

// FaultCodes lists the assigned codes in order. The caller owns the slice.
func FaultCodes() []int {
	codes := make([]int, len(faultTable))
	for i := range faultTable {
		codes[i] = faultTable[i].code
	}
	return codes
}

// FaultSide tells whose code it is by its range: 9000–9899 the CPE's,
// 8000–8899 the ACS's (TR-069 A.5).
func FaultSide(code int) Role {
	switch {
	case code >= 9000 && code <= 9899:
		return CPE
	case code >= 8000 && code <= 8899:
		return ACS
	}
	return Unknown
}
