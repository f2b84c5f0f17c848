package mutate

import "strings"

// The checks that say it better than the general one, and what else has to be found
// where an argument is broken, by the end of "Method/path/of/Argument". What is found
// besides is a consequence of the same change: an answer no longer has what was asked
// for, an Inform lacks a parameter, an event has no report.

// better is the check of a missing argument, of a number or of a long string that has one
// of its own.
func better(general, what, path string) string {
	switch {
	case what == "Inform" && strings.HasPrefix(path, "DeviceId/") && general == "SOAP-017":
		return "INF-001"
	case what == "Inform" && path == "DeviceId/OUI":
		return "INF-002"
	case what == "Inform" && path == "RetryCount" && general != "SOAP-017":
		return "INF-016"
	case what == "Inform" && path == "MaxEnvelopes" && general != "SOAP-017":
		return "INF-008"
	case what == "InformResponse" && path == "MaxEnvelopes" && general != "SOAP-017":
		return "INF-009"
	case strings.HasSuffix(path, "/Notification"):
		if general == "SOAP-017" && what != "SetParameterAttributes" {
			return general
		}
		return "RPC-030"
	case general == "SOAP-017":
	case path == "Status":
		return "RPC-017"
	case path == "FaultStruct/FaultCode":
		return "FLT-016"
	case what == "AutonomousTransferComplete" && path == "FileSize":
		return "XFER-016"
	}
	return general
}

var consequences = map[string][]string{
	"GetRPCMethodsResponse/MethodList":                      {"RPC-003", "RPC-004"},
	"GetParameterValuesResponse/ParameterList":              {"RPC-010", "RPC-011"},
	"GetParameterValuesResponse/ParameterList/.../Name":     {"RPC-010", "RPC-011", "TYPE-006"},
	"GetParameterNames/ParameterPath":                       {"RPC-007", "RPC-008", "RPC-010", "TYPE-006"},
	"GetParameterNamesResponse/ParameterList/.../Name":      {"RPC-010", "TYPE-006"},
	"SetParameterValues/ParameterList/.../Name":             {"TYPE-006"},
	"SetParameterAttributes/ParameterList/.../Name":         {"TYPE-006"},
	"GetParameterAttributesResponse/ParameterList/.../Name": {"RPC-010", "TYPE-006"},
	"AddObject/ObjectName":                                  {"RPC-024", "TYPE-006"},
	"DeleteObject/ObjectName":                               {"RPC-025", "TYPE-006"},
	"Download/FileType":                                     {"RPC-034"},
	"Upload/FileType":                                       {"RPC-034"},
	"ScheduleDownload/FileType":                             {"RPC-034"},
	"RequestDownload/FileType":                              {"RPC-034", "XFER-021"},
	"AutonomousTransferComplete/FileType":                   {"XFER-016"},
	"Download/URL":                                          {"RPC-035"},
	"Upload/URL":                                            {"RPC-035"},
	"ScheduleDownload/URL":                                  {"RPC-035"},
	"Download/Username":                                     {"RPC-036"},
	"Upload/Username":                                       {"RPC-036"},
	"ScheduleDownload/Username":                             {"RPC-036"},
	"Download/Password":                                     {"RPC-036", "SEC-003"},
	"Upload/Password":                                       {"RPC-036", "SEC-003"},
	"ScheduleDownload/Password":                             {"RPC-036", "SEC-003"},
	"ScheduleDownload/TimeWindowList":                       {"RPC-042"},
	"ScheduleDownload/TimeWindowList/.../WindowMode":        {"RPC-042"},
	"TransferComplete/CommandKey":                           {"SEQ-028"},
	"TransferComplete/FaultStruct/FaultString":              {"FLT-017"},
	"AutonomousTransferComplete/FaultStruct/FaultString":    {"FLT-017"},
	"Inform/DeviceId/OUI":                                   {"SEC-008"},
	"Inform/DeviceId/SerialNumber":                          {"SEC-008"},
	"Inform/DeviceId/ProductClass":                          {"SEC-008"},
	"Inform/Event/.../EventCode":                            {"EVT-001", "EVT-005"},
	"Inform/Event/.../CommandKey":                           {"EVT-006"},
	"Inform/ParameterList/.../Name":                         {"INF-017", "TYPE-006"},
}

// following is the consequences of a broken argument.
func following(what, path string) []string {
	parts := strings.Split(path, "/")
	if n := len(parts); n == 3 && strings.HasSuffix(parts[1], "Struct") {
		parts[1] = "..."
	}
	return consequences[what+"/"+strings.Join(parts, "/")]
}
