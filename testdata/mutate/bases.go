// Package mutate breaks clean sessions, one thing at a time, and knows what is wrong
// then: which check has to fire, whom it accuses, and at which message. It is made of
// the standard's schemas and sequences, and not of the checks.
package mutate

import "strings"

// call is a clean exchange of a method, in the scenario language.
type call struct {
	name      string // of the method
	by        string // "acs" or "cpe"
	events    string // of the Inform, "" for 2 PERIODIC
	request   string // the statement and its changes
	response  string
	afterward string // calls of the ACS that have to follow
}

const device = "InternetGatewayDevice."

// calls are clean exchanges of the methods of TR-069 Annex A.
var calls = []call{
	{name: "GetRPCMethods", by: "acs", request: "acs GetRPCMethods", response: "cpe GetRPCMethodsResponse"},
	{name: "SetParameterValues", by: "acs", request: "acs SetParameterValues ParameterKey=k1\n  param " + device + "UserInterface.ISPName one\n  param " + device + "ManagementServer.PeriodicInformInterval 3600 unsignedInt",
		response: "cpe SetParameterValuesResponse"},
	{name: "GetParameterValues", by: "acs", request: "acs GetParameterValues ParameterNames=[" + device + "UserInterface.ISPName," + device + "DeviceInfo.UpTime]",
		response: "cpe GetParameterValuesResponse\n  param " + device + "UserInterface.ISPName one\n  param " + device + "DeviceInfo.UpTime 1234 unsignedInt"},
	{name: "GetParameterNames", by: "acs", request: "acs GetParameterNames ParameterPath=" + device + "UserInterface. NextLevel=1",
		response: "cpe GetParameterNamesResponse\n  item ParameterList Name=" + device + "UserInterface.ISPName Writable=1\n  item ParameterList Name=" + device + "UserInterface.WarrantyDate Writable=0"},
	{name: "SetParameterAttributes", by: "acs", request: "acs SetParameterAttributes\n  item ParameterList Name=" + device + "UserInterface.ISPName NotificationChange=1 Notification=2 AccessListChange=0 AccessList=[Subscriber]",
		response: "cpe SetParameterAttributesResponse"},
	{name: "GetParameterAttributes", by: "acs", request: "acs GetParameterAttributes ParameterNames=[" + device + "UserInterface.ISPName]",
		response: "cpe GetParameterAttributesResponse\n  item ParameterList Name=" + device + "UserInterface.ISPName Notification=2 AccessList=[Subscriber]"},
	{name: "AddObject", by: "acs", request: "acs AddObject ObjectName=" + device + "Layer3Forwarding.Forwarding. ParameterKey=k2", response: "cpe AddObjectResponse InstanceNumber=3"},
	{name: "DeleteObject", by: "acs", request: "acs DeleteObject ObjectName=" + device + "Layer3Forwarding.Forwarding.3. ParameterKey=k3", response: "cpe DeleteObjectResponse"},
	{name: "Download", by: "acs", request: `acs Download CommandKey=d1 FileType="2 Web Content" URL=https://files.example/a.bin FileSize=100 TargetFileName=a.bin DelaySeconds=60`,
		response: "cpe DownloadResponse"},
	{name: "Upload", by: "acs", request: `acs Upload CommandKey=u1 FileType="3 Vendor Configuration File 1" URL=https://files.example/up DelaySeconds=60`, response: "cpe UploadResponse"},
	{name: "ScheduleDownload", by: "acs", request: `acs ScheduleDownload CommandKey=s1 FileType="2 Web Content" URL=https://files.example/a.bin FileSize=100 TargetFileName=a.bin`,
		response: "cpe ScheduleDownloadResponse"},
	{name: "Reboot", by: "acs", request: "acs Reboot CommandKey=r1", response: "cpe RebootResponse"},
	{name: "FactoryReset", by: "acs", request: "acs FactoryReset", response: "cpe FactoryResetResponse"},
	{name: "ScheduleInform", by: "acs", request: "acs ScheduleInform DelaySeconds=600 CommandKey=i1", response: "cpe ScheduleInformResponse"},
	{name: "CancelTransfer", by: "acs", request: "acs CancelTransfer CommandKey=d1", response: "cpe CancelTransferResponse"},
	{name: "GetAllQueuedTransfers", by: "acs", request: "acs GetAllQueuedTransfers",
		response: "cpe GetAllQueuedTransfersResponse\n  item TransferList CommandKey=d1 State=1 IsDownload=1 FileType=\"2 Web Content\" FileSize=100 TargetFileName=a.bin"},
	{name: "GetRPCMethods", by: "cpe", request: "cpe GetRPCMethods", response: "acs GetRPCMethodsResponse MethodList=[Inform,GetRPCMethods,TransferComplete,AutonomousTransferComplete,RequestDownload,Kicked]"},
	{name: "TransferComplete", by: "cpe", events: "7 TRANSFER COMPLETE|M Download=fw-1", request: "cpe TransferComplete", response: "acs TransferCompleteResponse"},
	{name: "AutonomousTransferComplete", by: "cpe", events: "10 AUTONOMOUS TRANSFER COMPLETE", request: "cpe AutonomousTransferComplete", response: "acs AutonomousTransferCompleteResponse"},
	{name: "RequestDownload", by: "cpe", events: "9 REQUEST DOWNLOAD", request: "cpe RequestDownload\n  item FileTypeArg Name=Version Value=1", response: "acs RequestDownloadResponse",
		afterward: "acs Download CommandKey=w1 FileType=\"1 Firmware Upgrade Image\"\ncpe DownloadResponse\n"},
}

// number is the ordinal of a call's request among the session's messages.
func (c *call) number() int {
	if c.by == "cpe" {
		return 3
	}
	return 4
}

// session is the clean session of a call, with a request and a response of one's own.
func (c *call) session(inform, request, response string) string {
	var b strings.Builder
	b.WriteString("informant scenario 1\nnamespace cwmp-1-2\n")
	b.WriteString(inform + "\nacs InformResponse\n  block UseCWMPVersion 1.4\n")
	if c.by == "cpe" {
		b.WriteString(request + "\n" + response + "\ncpe empty\n" + c.afterward)
	} else {
		b.WriteString("cpe empty\n" + request + "\n" + response + "\n")
	}
	b.WriteString("acs 204\nclose cpe\n")
	return b.String()
}

// inform is the statement of the session's Inform.
func (c *call) inform() string {
	events := c.events
	if events == "" {
		events = "2 PERIODIC"
	}
	return `cpe Inform events="` + events + "\"\n  block SupportedCWMPVersions 1.0,1.1,1.2,1.3,1.4 0"
}

// Bases are the clean sessions, by the names of their methods: nothing is wrong with
// them.
func Bases() map[string]string {
	all := map[string]string{"plain": plain}
	for i := range calls {
		c := &calls[i]
		all[c.by+" "+c.name] = c.session(c.inform(), c.request, c.response)
	}
	return all
}

// plain is a session as most are.
const plain = `informant scenario 1
cpe Inform events="2 PERIODIC"
acs InformResponse
cpe empty
acs GetParameterValues ParameterNames=[InternetGatewayDevice.DeviceInfo.UpTime]
cpe GetParameterValuesResponse
  param InternetGatewayDevice.DeviceInfo.UpTime 1234 unsignedInt
acs SetParameterValues ParameterKey=k1
  param InternetGatewayDevice.UserInterface.ISPName one
cpe SetParameterValuesResponse
acs 204
close cpe
`
