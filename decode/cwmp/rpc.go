package cwmp

// The RPCs of TR-069 Amendment 6 (reference 2.2 and 2.3), request and response.

// GetRPCMethods is sent by either side (TR-069 A.3.1.1).
type GetRPCMethods struct {
}

// Members lists the members in schema order.
func (v *GetRPCMethods) Members() []Member {
	return nil
}

// GetRPCMethodsResponse is sent by either side (TR-069 A.3.1.1).
type GetRPCMethodsResponse struct {
	MethodList List[Leaf]
}

// Members lists the members in schema order.
func (v *GetRPCMethodsResponse) Members() []Member {
	return []Member{
		{Name: "MethodList", Value: &v.MethodList, Max: 64, ItemType: "xsd:string"},
	}
}

// SetParameterValues is sent by the ACS (TR-069 A.3.2.1).
type SetParameterValues struct {
	ParameterList List[ParameterValueStruct]
	ParameterKey  Leaf
}

// Members lists the members in schema order.
func (v *SetParameterValues) Members() []Member {
	return []Member{
		{Name: "ParameterList", Value: &v.ParameterList, ItemType: "cwmp:ParameterValueStruct"},
		{Name: "ParameterKey", Value: &v.ParameterKey, Max: 32},
	}
}

// SetParameterValuesResponse is sent by the CPE (TR-069 A.3.2.1).
type SetParameterValuesResponse struct {
	Status Leaf
}

// Members lists the members in schema order.
func (v *SetParameterValuesResponse) Members() []Member {
	return []Member{
		{Name: "Status", Value: &v.Status, Type: Int},
	}
}

// GetParameterValues is sent by the ACS (TR-069 A.3.2.2).
type GetParameterValues struct {
	ParameterNames List[Leaf]
}

// Members lists the members in schema order.
func (v *GetParameterValues) Members() []Member {
	return []Member{
		{Name: "ParameterNames", Value: &v.ParameterNames, Max: 256, ItemType: "xsd:string"},
	}
}

// GetParameterValuesResponse is sent by the CPE (TR-069 A.3.2.2).
type GetParameterValuesResponse struct {
	ParameterList List[ParameterValueStruct]
}

// Members lists the members in schema order.
func (v *GetParameterValuesResponse) Members() []Member {
	return []Member{
		{Name: "ParameterList", Value: &v.ParameterList, ItemType: "cwmp:ParameterValueStruct"},
	}
}

// GetParameterNames is sent by the ACS (TR-069 A.3.2.3).
type GetParameterNames struct {
	ParameterPath Leaf
	NextLevel     Leaf
}

// Members lists the members in schema order.
func (v *GetParameterNames) Members() []Member {
	return []Member{
		{Name: "ParameterPath", Value: &v.ParameterPath, Max: 256},
		{Name: "NextLevel", Value: &v.NextLevel, Type: Boolean},
	}
}

// GetParameterNamesResponse is sent by the CPE (TR-069 A.3.2.3).
type GetParameterNamesResponse struct {
	ParameterList List[ParameterInfoStruct]
}

// Members lists the members in schema order.
func (v *GetParameterNamesResponse) Members() []Member {
	return []Member{
		{Name: "ParameterList", Value: &v.ParameterList, ItemType: "cwmp:ParameterInfoStruct"},
	}
}

// SetParameterAttributes is sent by the ACS (TR-069 A.3.2.4).
type SetParameterAttributes struct {
	ParameterList List[SetParameterAttributesStruct]
}

// Members lists the members in schema order.
func (v *SetParameterAttributes) Members() []Member {
	return []Member{
		{Name: "ParameterList", Value: &v.ParameterList, ItemType: "cwmp:SetParameterAttributesStruct"},
	}
}

// SetParameterAttributesResponse is sent by the CPE (TR-069 A.3.2.4).
type SetParameterAttributesResponse struct {
}

// Members lists the members in schema order.
func (v *SetParameterAttributesResponse) Members() []Member {
	return nil
}

// GetParameterAttributes is sent by the ACS (TR-069 A.3.2.5).
type GetParameterAttributes struct {
	ParameterNames List[Leaf]
}

// Members lists the members in schema order.
func (v *GetParameterAttributes) Members() []Member {
	return []Member{
		{Name: "ParameterNames", Value: &v.ParameterNames, Max: 256, ItemType: "xsd:string"},
	}
}

// GetParameterAttributesResponse is sent by the CPE (TR-069 A.3.2.5).
type GetParameterAttributesResponse struct {
	ParameterList List[ParameterAttributeStruct]
}

// Members lists the members in schema order.
func (v *GetParameterAttributesResponse) Members() []Member {
	return []Member{
		{Name: "ParameterList", Value: &v.ParameterList, ItemType: "cwmp:ParameterAttributeStruct"},
	}
}

// AddObject is sent by the ACS (TR-069 A.3.2.6).
type AddObject struct {
	ObjectName   Leaf
	ParameterKey Leaf
}

// Members lists the members in schema order.
func (v *AddObject) Members() []Member {
	return []Member{
		{Name: "ObjectName", Value: &v.ObjectName, Max: 256},
		{Name: "ParameterKey", Value: &v.ParameterKey, Max: 32},
	}
}

// AddObjectResponse is sent by the CPE (TR-069 A.3.2.6).
type AddObjectResponse struct {
	InstanceNumber Leaf
	Status         Leaf
}

// Members lists the members in schema order.
func (v *AddObjectResponse) Members() []Member {
	return []Member{
		{Name: "InstanceNumber", Value: &v.InstanceNumber, Type: UnsignedInt},
		{Name: "Status", Value: &v.Status, Type: Int},
	}
}

// DeleteObject is sent by the ACS (TR-069 A.3.2.7).
type DeleteObject struct {
	ObjectName   Leaf
	ParameterKey Leaf
}

// Members lists the members in schema order.
func (v *DeleteObject) Members() []Member {
	return []Member{
		{Name: "ObjectName", Value: &v.ObjectName, Max: 256},
		{Name: "ParameterKey", Value: &v.ParameterKey, Max: 32},
	}
}

// DeleteObjectResponse is sent by the CPE (TR-069 A.3.2.7).
type DeleteObjectResponse struct {
	Status Leaf
}

// Members lists the members in schema order.
func (v *DeleteObjectResponse) Members() []Member {
	return []Member{
		{Name: "Status", Value: &v.Status, Type: Int},
	}
}

// Download is sent by the ACS (TR-069 A.3.2.8).
type Download struct {
	CommandKey     Leaf
	FileType       Leaf
	URL            Leaf
	Username       Leaf
	Password       Leaf
	FileSize       Leaf
	TargetFileName Leaf
	DelaySeconds   Leaf
	SuccessURL     Leaf
	FailureURL     Leaf
}

// Members lists the members in schema order.
func (v *Download) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
		{Name: "FileType", Value: &v.FileType, Max: 64},
		{Name: "URL", Value: &v.URL, Max: 256},
		{Name: "Username", Value: &v.Username, Max: 256},
		{Name: "Password", Value: &v.Password, Max: 256},
		{Name: "FileSize", Value: &v.FileSize, Type: UnsignedInt},
		{Name: "TargetFileName", Value: &v.TargetFileName, Max: 256},
		{Name: "DelaySeconds", Value: &v.DelaySeconds, Type: UnsignedInt},
		{Name: "SuccessURL", Value: &v.SuccessURL, Max: 256},
		{Name: "FailureURL", Value: &v.FailureURL, Max: 256},
	}
}

// DownloadResponse is sent by the CPE (TR-069 A.3.2.8).
type DownloadResponse struct {
	Status       Leaf
	StartTime    Leaf
	CompleteTime Leaf
}

// Members lists the members in schema order.
func (v *DownloadResponse) Members() []Member {
	return []Member{
		{Name: "Status", Value: &v.Status, Type: Int},
		{Name: "StartTime", Value: &v.StartTime, Type: DateTime},
		{Name: "CompleteTime", Value: &v.CompleteTime, Type: DateTime},
	}
}

// Reboot is sent by the ACS (TR-069 A.3.2.9).
type Reboot struct {
	CommandKey Leaf
}

// Members lists the members in schema order.
func (v *Reboot) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
	}
}

// RebootResponse is sent by the CPE (TR-069 A.3.2.9).
type RebootResponse struct {
}

// Members lists the members in schema order.
func (v *RebootResponse) Members() []Member {
	return nil
}

// GetQueuedTransfers is sent by the ACS (TR-069 A.4.1.1).
type GetQueuedTransfers struct {
}

// Members lists the members in schema order.
func (v *GetQueuedTransfers) Members() []Member {
	return nil
}

// GetQueuedTransfersResponse is sent by the CPE (TR-069 A.4.1.1).
type GetQueuedTransfersResponse struct {
	TransferList List[QueuedTransferStruct]
}

// Members lists the members in schema order.
func (v *GetQueuedTransfersResponse) Members() []Member {
	return []Member{
		{Name: "TransferList", Value: &v.TransferList, ItemType: "cwmp:QueuedTransferStruct"},
	}
}

// ScheduleInform is sent by the ACS (TR-069 A.4.1.2).
type ScheduleInform struct {
	DelaySeconds Leaf
	CommandKey   Leaf
}

// Members lists the members in schema order.
func (v *ScheduleInform) Members() []Member {
	return []Member{
		{Name: "DelaySeconds", Value: &v.DelaySeconds, Type: UnsignedInt},
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
	}
}

// ScheduleInformResponse is sent by the CPE (TR-069 A.4.1.2).
type ScheduleInformResponse struct {
}

// Members lists the members in schema order.
func (v *ScheduleInformResponse) Members() []Member {
	return nil
}

// SetVouchers is sent by the ACS (TR-069 A.4.1.3).
type SetVouchers struct {
	VoucherList List[Leaf]
}

// Members lists the members in schema order.
func (v *SetVouchers) Members() []Member {
	return []Member{
		{Name: "VoucherList", Value: &v.VoucherList, Type: Base64, ItemType: "xsd:base64"},
	}
}

// SetVouchersResponse is sent by the CPE (TR-069 A.4.1.3).
type SetVouchersResponse struct {
}

// Members lists the members in schema order.
func (v *SetVouchersResponse) Members() []Member {
	return nil
}

// GetOptions is sent by the ACS (TR-069 A.4.1.4).
type GetOptions struct {
	OptionName Leaf
}

// Members lists the members in schema order.
func (v *GetOptions) Members() []Member {
	return []Member{
		{Name: "OptionName", Value: &v.OptionName, Max: 64},
	}
}

// GetOptionsResponse is sent by the CPE (TR-069 A.4.1.4).
type GetOptionsResponse struct {
	OptionList List[OptionStruct]
}

// Members lists the members in schema order.
func (v *GetOptionsResponse) Members() []Member {
	return []Member{
		{Name: "OptionList", Value: &v.OptionList, ItemType: "cwmp:OptionStruct"},
	}
}

// Upload is sent by the ACS (TR-069 A.4.1.5).
type Upload struct {
	CommandKey   Leaf
	FileType     Leaf
	URL          Leaf
	Username     Leaf
	Password     Leaf
	DelaySeconds Leaf
}

// Members lists the members in schema order.
func (v *Upload) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
		{Name: "FileType", Value: &v.FileType, Max: 64},
		{Name: "URL", Value: &v.URL, Max: 256},
		{Name: "Username", Value: &v.Username, Max: 256},
		{Name: "Password", Value: &v.Password, Max: 256},
		{Name: "DelaySeconds", Value: &v.DelaySeconds, Type: UnsignedInt},
	}
}

// UploadResponse is sent by the CPE (TR-069 A.4.1.5).
type UploadResponse struct {
	Status       Leaf
	StartTime    Leaf
	CompleteTime Leaf
}

// Members lists the members in schema order.
func (v *UploadResponse) Members() []Member {
	return []Member{
		{Name: "Status", Value: &v.Status, Type: Int},
		{Name: "StartTime", Value: &v.StartTime, Type: DateTime},
		{Name: "CompleteTime", Value: &v.CompleteTime, Type: DateTime},
	}
}

// FactoryReset is sent by the ACS (TR-069 A.4.1.6).
type FactoryReset struct {
}

// Members lists the members in schema order.
func (v *FactoryReset) Members() []Member {
	return nil
}

// FactoryResetResponse is sent by the CPE (TR-069 A.4.1.6).
type FactoryResetResponse struct {
}

// Members lists the members in schema order.
func (v *FactoryResetResponse) Members() []Member {
	return nil
}

// GetAllQueuedTransfers is sent by the ACS (TR-069 A.4.1.7).
type GetAllQueuedTransfers struct {
}

// Members lists the members in schema order.
func (v *GetAllQueuedTransfers) Members() []Member {
	return nil
}

// GetAllQueuedTransfersResponse is sent by the CPE (TR-069 A.4.1.7).
type GetAllQueuedTransfersResponse struct {
	TransferList List[AllQueuedTransferStruct]
}

// Members lists the members in schema order.
func (v *GetAllQueuedTransfersResponse) Members() []Member {
	return []Member{
		{Name: "TransferList", Value: &v.TransferList, ItemType: "cwmp:AllQueuedTransferStruct"},
	}
}

// ScheduleDownload is sent by the ACS (TR-069 A.4.1.8).
type ScheduleDownload struct {
	CommandKey     Leaf
	FileType       Leaf
	URL            Leaf
	Username       Leaf
	Password       Leaf
	FileSize       Leaf
	TargetFileName Leaf
	TimeWindowList List[TimeWindowStruct]
}

// Members lists the members in schema order.
func (v *ScheduleDownload) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
		{Name: "FileType", Value: &v.FileType, Max: 64},
		{Name: "URL", Value: &v.URL, Max: 256},
		{Name: "Username", Value: &v.Username, Max: 256},
		{Name: "Password", Value: &v.Password, Max: 256},
		{Name: "FileSize", Value: &v.FileSize, Type: UnsignedInt},
		{Name: "TargetFileName", Value: &v.TargetFileName, Max: 256},
		{Name: "TimeWindowList", Value: &v.TimeWindowList, ItemType: "cwmp:TimeWindowStruct"},
	}
}

// ScheduleDownloadResponse is sent by the CPE (TR-069 A.4.1.8).
type ScheduleDownloadResponse struct {
}

// Members lists the members in schema order.
func (v *ScheduleDownloadResponse) Members() []Member {
	return nil
}

// CancelTransfer is sent by the ACS (TR-069 A.4.1.9).
type CancelTransfer struct {
	CommandKey Leaf
}

// Members lists the members in schema order.
func (v *CancelTransfer) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
	}
}

// CancelTransferResponse is sent by the CPE (TR-069 A.4.1.9).
type CancelTransferResponse struct {
}

// Members lists the members in schema order.
func (v *CancelTransferResponse) Members() []Member {
	return nil
}

// ChangeDUState is sent by the ACS (TR-069 A.4.1.10).
type ChangeDUState struct {
	Operations List[OperationStruct]
	CommandKey Leaf
}

// Members lists the members in schema order.
func (v *ChangeDUState) Members() []Member {
	return []Member{
		{Name: "Operations", Value: &v.Operations, ItemType: "cwmp:OperationStruct", Repeated: true},
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32, Optional: true},
	}
}

// ChangeDUStateResponse is sent by the CPE (TR-069 A.4.1.10).
type ChangeDUStateResponse struct {
}

// Members lists the members in schema order.
func (v *ChangeDUStateResponse) Members() []Member {
	return nil
}

// Inform is sent by the CPE (TR-069 A.3.3.1).
type Inform struct {
	DeviceID      DeviceIDStruct
	Event         List[EventStruct]
	MaxEnvelopes  Leaf
	CurrentTime   Leaf
	RetryCount    Leaf
	ParameterList List[ParameterValueStruct]
}

// Members lists the members in schema order.
func (v *Inform) Members() []Member {
	return []Member{
		{Name: "DeviceId", Value: &v.DeviceID},
		{Name: "Event", Value: &v.Event, ItemType: "cwmp:EventStruct"},
		{Name: "MaxEnvelopes", Value: &v.MaxEnvelopes, Type: UnsignedInt},
		{Name: "CurrentTime", Value: &v.CurrentTime, Type: DateTime},
		{Name: "RetryCount", Value: &v.RetryCount, Type: UnsignedInt},
		{Name: "ParameterList", Value: &v.ParameterList, ItemType: "cwmp:ParameterValueStruct"},
	}
}

// InformResponse is sent by the ACS (TR-069 A.3.3.1).
type InformResponse struct {
	MaxEnvelopes Leaf
}

// Members lists the members in schema order.
func (v *InformResponse) Members() []Member {
	return []Member{
		{Name: "MaxEnvelopes", Value: &v.MaxEnvelopes, Type: UnsignedInt},
	}
}

// TransferComplete is sent by the CPE (TR-069 A.3.3.2).
type TransferComplete struct {
	CommandKey   Leaf
	FaultStruct  FaultStruct
	StartTime    Leaf
	CompleteTime Leaf
}

// Members lists the members in schema order.
func (v *TransferComplete) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
		{Name: "FaultStruct", Value: &v.FaultStruct},
		{Name: "StartTime", Value: &v.StartTime, Type: DateTime},
		{Name: "CompleteTime", Value: &v.CompleteTime, Type: DateTime},
	}
}

// TransferCompleteResponse is sent by the ACS (TR-069 A.3.3.2).
type TransferCompleteResponse struct {
}

// Members lists the members in schema order.
func (v *TransferCompleteResponse) Members() []Member {
	return nil
}

// AutonomousTransferComplete is sent by the CPE (TR-069 A.3.3.3).
type AutonomousTransferComplete struct {
	AnnounceURL    Leaf
	TransferURL    Leaf
	IsDownload     Leaf
	FileType       Leaf
	FileSize       Leaf
	TargetFileName Leaf
	FaultStruct    FaultStruct
	StartTime      Leaf
	CompleteTime   Leaf
}

// Members lists the members in schema order.
func (v *AutonomousTransferComplete) Members() []Member {
	return []Member{
		{Name: "AnnounceURL", Value: &v.AnnounceURL, Max: 1024},
		{Name: "TransferURL", Value: &v.TransferURL, Max: 1024},
		{Name: "IsDownload", Value: &v.IsDownload, Type: Boolean},
		{Name: "FileType", Value: &v.FileType, Max: 64},
		{Name: "FileSize", Value: &v.FileSize, Type: UnsignedInt},
		{Name: "TargetFileName", Value: &v.TargetFileName, Max: 256},
		{Name: "FaultStruct", Value: &v.FaultStruct},
		{Name: "StartTime", Value: &v.StartTime, Type: DateTime},
		{Name: "CompleteTime", Value: &v.CompleteTime, Type: DateTime},
	}
}

// AutonomousTransferCompleteResponse is sent by the ACS (TR-069 A.3.3.3).
type AutonomousTransferCompleteResponse struct {
}

// Members lists the members in schema order.
func (v *AutonomousTransferCompleteResponse) Members() []Member {
	return nil
}

// Kicked is sent by the CPE (TR-069 A.4.2.1).
type Kicked struct {
	Command Leaf
	Referer Leaf
	Arg     Leaf
	Next    Leaf
}

// Members lists the members in schema order.
func (v *Kicked) Members() []Member {
	return []Member{
		{Name: "Command", Value: &v.Command, Max: 32},
		{Name: "Referer", Value: &v.Referer, Max: 64},
		{Name: "Arg", Value: &v.Arg, Max: 256},
		{Name: "Next", Value: &v.Next, Max: 1024},
	}
}

// KickedResponse is sent by the ACS (TR-069 A.4.2.1).
type KickedResponse struct {
	NextURL Leaf
}

// Members lists the members in schema order.
func (v *KickedResponse) Members() []Member {
	return []Member{
		{Name: "NextURL", Value: &v.NextURL, Max: 1024},
	}
}

// RequestDownload is sent by the CPE (TR-069 A.4.2.2).
type RequestDownload struct {
	FileType    Leaf
	FileTypeArg List[ArgStruct]
}

// Members lists the members in schema order.
func (v *RequestDownload) Members() []Member {
	return []Member{
		{Name: "FileType", Value: &v.FileType, Max: 64},
		{Name: "FileTypeArg", Value: &v.FileTypeArg, ItemType: "cwmp:ArgStruct"},
	}
}

// RequestDownloadResponse is sent by the ACS (TR-069 A.4.2.2).
type RequestDownloadResponse struct {
}

// Members lists the members in schema order.
func (v *RequestDownloadResponse) Members() []Member {
	return nil
}

// DUStateChangeComplete is sent by the CPE (TR-069 A.4.2.3).
type DUStateChangeComplete struct {
	Results    List[OpResultStruct]
	CommandKey Leaf
}

// Members lists the members in schema order.
func (v *DUStateChangeComplete) Members() []Member {
	return []Member{
		{Name: "Results", Value: &v.Results, ItemType: "cwmp:OpResultStruct", Repeated: true},
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32, Optional: true},
	}
}

// DUStateChangeCompleteResponse is sent by the ACS (TR-069 A.4.2.3).
type DUStateChangeCompleteResponse struct {
}

// Members lists the members in schema order.
func (v *DUStateChangeCompleteResponse) Members() []Member {
	return nil
}

// AutonomousDUStateChangeComplete is sent by the CPE (TR-069 A.4.2.4).
type AutonomousDUStateChangeComplete struct {
	Results List[AutonOpResultStruct]
}

// Members lists the members in schema order.
func (v *AutonomousDUStateChangeComplete) Members() []Member {
	return []Member{
		{Name: "Results", Value: &v.Results, ItemType: "cwmp:AutonOpResultStruct", Repeated: true},
	}
}

// AutonomousDUStateChangeCompleteResponse is sent by the ACS (TR-069 A.4.2.4).
type AutonomousDUStateChangeCompleteResponse struct {
}

// Members lists the members in schema order.
func (v *AutonomousDUStateChangeCompleteResponse) Members() []Member {
	return nil
}

// methods is every message of the standard by its local name.
var methods = map[string]func() Struct{
	"GetRPCMethods":                           func() Struct { return new(GetRPCMethods) },
	"GetRPCMethodsResponse":                   func() Struct { return new(GetRPCMethodsResponse) },
	"SetParameterValues":                      func() Struct { return new(SetParameterValues) },
	"SetParameterValuesResponse":              func() Struct { return new(SetParameterValuesResponse) },
	"GetParameterValues":                      func() Struct { return new(GetParameterValues) },
	"GetParameterValuesResponse":              func() Struct { return new(GetParameterValuesResponse) },
	"GetParameterNames":                       func() Struct { return new(GetParameterNames) },
	"GetParameterNamesResponse":               func() Struct { return new(GetParameterNamesResponse) },
	"SetParameterAttributes":                  func() Struct { return new(SetParameterAttributes) },
	"SetParameterAttributesResponse":          func() Struct { return new(SetParameterAttributesResponse) },
	"GetParameterAttributes":                  func() Struct { return new(GetParameterAttributes) },
	"GetParameterAttributesResponse":          func() Struct { return new(GetParameterAttributesResponse) },
	"AddObject":                               func() Struct { return new(AddObject) },
	"AddObjectResponse":                       func() Struct { return new(AddObjectResponse) },
	"DeleteObject":                            func() Struct { return new(DeleteObject) },
	"DeleteObjectResponse":                    func() Struct { return new(DeleteObjectResponse) },
	"Download":                                func() Struct { return new(Download) },
	"DownloadResponse":                        func() Struct { return new(DownloadResponse) },
	"Reboot":                                  func() Struct { return new(Reboot) },
	"RebootResponse":                          func() Struct { return new(RebootResponse) },
	"GetQueuedTransfers":                      func() Struct { return new(GetQueuedTransfers) },
	"GetQueuedTransfersResponse":              func() Struct { return new(GetQueuedTransfersResponse) },
	"ScheduleInform":                          func() Struct { return new(ScheduleInform) },
	"ScheduleInformResponse":                  func() Struct { return new(ScheduleInformResponse) },
	"SetVouchers":                             func() Struct { return new(SetVouchers) },
	"SetVouchersResponse":                     func() Struct { return new(SetVouchersResponse) },
	"GetOptions":                              func() Struct { return new(GetOptions) },
	"GetOptionsResponse":                      func() Struct { return new(GetOptionsResponse) },
	"Upload":                                  func() Struct { return new(Upload) },
	"UploadResponse":                          func() Struct { return new(UploadResponse) },
	"FactoryReset":                            func() Struct { return new(FactoryReset) },
	"FactoryResetResponse":                    func() Struct { return new(FactoryResetResponse) },
	"GetAllQueuedTransfers":                   func() Struct { return new(GetAllQueuedTransfers) },
	"GetAllQueuedTransfersResponse":           func() Struct { return new(GetAllQueuedTransfersResponse) },
	"ScheduleDownload":                        func() Struct { return new(ScheduleDownload) },
	"ScheduleDownloadResponse":                func() Struct { return new(ScheduleDownloadResponse) },
	"CancelTransfer":                          func() Struct { return new(CancelTransfer) },
	"CancelTransferResponse":                  func() Struct { return new(CancelTransferResponse) },
	"ChangeDUState":                           func() Struct { return new(ChangeDUState) },
	"ChangeDUStateResponse":                   func() Struct { return new(ChangeDUStateResponse) },
	"Inform":                                  func() Struct { return new(Inform) },
	"InformResponse":                          func() Struct { return new(InformResponse) },
	"TransferComplete":                        func() Struct { return new(TransferComplete) },
	"TransferCompleteResponse":                func() Struct { return new(TransferCompleteResponse) },
	"AutonomousTransferComplete":              func() Struct { return new(AutonomousTransferComplete) },
	"AutonomousTransferCompleteResponse":      func() Struct { return new(AutonomousTransferCompleteResponse) },
	"Kicked":                                  func() Struct { return new(Kicked) },
	"KickedResponse":                          func() Struct { return new(KickedResponse) },
	"RequestDownload":                         func() Struct { return new(RequestDownload) },
	"RequestDownloadResponse":                 func() Struct { return new(RequestDownloadResponse) },
	"DUStateChangeComplete":                   func() Struct { return new(DUStateChangeComplete) },
	"DUStateChangeCompleteResponse":           func() Struct { return new(DUStateChangeCompleteResponse) },
	"AutonomousDUStateChangeComplete":         func() Struct { return new(AutonomousDUStateChangeComplete) },
	"AutonomousDUStateChangeCompleteResponse": func() Struct { return new(AutonomousDUStateChangeCompleteResponse) },
}
