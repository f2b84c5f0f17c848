package cwmp

// The structures of the official schemas (reference 2.4). Member order, string
// lengths and optional members are those of cwmp-1-2.xsd and cwmp-1-4.xsd.

// DeviceIDStruct is who the CPE is (A.3.3.1).
type DeviceIDStruct struct {
	Presence
	Manufacturer Leaf
	OUI          Leaf
	ProductClass Leaf
	SerialNumber Leaf
}

// Members lists the members in schema order.
func (v *DeviceIDStruct) Members() []Member {
	return []Member{
		{Name: "Manufacturer", Value: &v.Manufacturer, Max: 64},
		{Name: "OUI", Value: &v.OUI},
		{Name: "ProductClass", Value: &v.ProductClass, Max: 64},
		{Name: "SerialNumber", Value: &v.SerialNumber, Max: 64},
	}
}

// EventStruct is one cause of the session (A.3.3.1, 3.7.1.5).
type EventStruct struct {
	Presence
	EventCode  Leaf
	CommandKey Leaf
}

// Members lists the members in schema order.
func (v *EventStruct) Members() []Member {
	return []Member{
		{Name: "EventCode", Value: &v.EventCode, Max: 64},
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
	}
}

// ParameterValueStruct is a parameter and its value (A.3.2.1).
type ParameterValueStruct struct {
	Presence
	Name  Leaf
	Value Leaf
}

// Members lists the members in schema order.
func (v *ParameterValueStruct) Members() []Member {
	return []Member{
		{Name: "Name", Value: &v.Name, Max: 256},
		{Name: "Value", Value: &v.Value, Type: Any},
	}
}

// ParameterInfoStruct is a parameter or object and whether it can be written (A.3.2.3).
type ParameterInfoStruct struct {
	Presence
	Name     Leaf
	Writable Leaf
}

// Members lists the members in schema order.
func (v *ParameterInfoStruct) Members() []Member {
	return []Member{
		{Name: "Name", Value: &v.Name, Max: 256},
		{Name: "Writable", Value: &v.Writable, Type: Boolean},
	}
}

// SetParameterAttributesStruct is what to change of a parameter's attributes (A.3.2.4).
type SetParameterAttributesStruct struct {
	Presence
	Name               Leaf
	NotificationChange Leaf
	Notification       Leaf
	AccessListChange   Leaf
	AccessList         List[Leaf]
}

// Members lists the members in schema order.
func (v *SetParameterAttributesStruct) Members() []Member {
	return []Member{
		{Name: "Name", Value: &v.Name, Max: 256},
		{Name: "NotificationChange", Value: &v.NotificationChange, Type: Boolean},
		{Name: "Notification", Value: &v.Notification, Type: Int},
		{Name: "AccessListChange", Value: &v.AccessListChange, Type: Boolean},
		{Name: "AccessList", Value: &v.AccessList, Max: 64, ItemType: "xsd:string"},
	}
}

// ParameterAttributeStruct is a parameter's attributes (A.3.2.5).
type ParameterAttributeStruct struct {
	Presence
	Name         Leaf
	Notification Leaf
	AccessList   List[Leaf]
}

// Members lists the members in schema order.
func (v *ParameterAttributeStruct) Members() []Member {
	return []Member{
		{Name: "Name", Value: &v.Name, Max: 256},
		{Name: "Notification", Value: &v.Notification, Type: Int},
		{Name: "AccessList", Value: &v.AccessList, Max: 64, ItemType: "xsd:string"},
	}
}

// QueuedTransferStruct is a queued transfer (A.4.1.1).
type QueuedTransferStruct struct {
	Presence
	CommandKey Leaf
	State      Leaf
}

// Members lists the members in schema order.
func (v *QueuedTransferStruct) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
		{Name: "State", Value: &v.State, Type: Int},
	}
}

// AllQueuedTransferStruct is a queued transfer, autonomous ones included (A.4.1.7).
type AllQueuedTransferStruct struct {
	Presence
	CommandKey     Leaf
	State          Leaf
	IsDownload     Leaf
	FileType       Leaf
	FileSize       Leaf
	TargetFileName Leaf
}

// Members lists the members in schema order.
func (v *AllQueuedTransferStruct) Members() []Member {
	return []Member{
		{Name: "CommandKey", Value: &v.CommandKey, Max: 32},
		{Name: "State", Value: &v.State, Type: Int},
		{Name: "IsDownload", Value: &v.IsDownload, Type: Boolean},
		{Name: "FileType", Value: &v.FileType, Max: 64},
		{Name: "FileSize", Value: &v.FileSize, Type: UnsignedInt},
		{Name: "TargetFileName", Value: &v.TargetFileName, Max: 256},
	}
}

// TimeWindowStruct is when a scheduled download may run, in seconds from its receipt (A.4.1.8).
type TimeWindowStruct struct {
	Presence
	WindowStart Leaf
	WindowEnd   Leaf
	WindowMode  Leaf
	UserMessage Leaf
	MaxRetries  Leaf
}

// Members lists the members in schema order.
func (v *TimeWindowStruct) Members() []Member {
	return []Member{
		{Name: "WindowStart", Value: &v.WindowStart, Type: UnsignedInt},
		{Name: "WindowEnd", Value: &v.WindowEnd, Type: UnsignedInt},
		{Name: "WindowMode", Value: &v.WindowMode, Max: 64},
		{Name: "UserMessage", Value: &v.UserMessage, Max: 256},
		{Name: "MaxRetries", Value: &v.MaxRetries, Type: Int},
	}
}

// FaultStruct is how a transfer ended; code 0 is success (A.3.3.2).
type FaultStruct struct {
	Presence
	FaultCode   Leaf
	FaultString Leaf
}

// Members lists the members in schema order.
func (v *FaultStruct) Members() []Member {
	return []Member{
		{Name: "FaultCode", Value: &v.FaultCode, Type: UnsignedInt},
		{Name: "FaultString", Value: &v.FaultString, Max: 256},
	}
}

// OperationStruct is an InstallOpStruct, UpdateOpStruct or UninstallOpStruct, told by its Kind (A.4.1.10).
type OperationStruct struct {
	Presence
	// Kind is "InstallOpStruct", "UpdateOpStruct" or "UninstallOpStruct", from
	// xsi:type or the element's own name; "" when neither tells.
	Kind            string
	URL             Leaf
	UUID            Leaf
	Username        Leaf
	Password        Leaf
	Version         Leaf
	ExecutionEnvRef Leaf
}

// Members lists the members in schema order: those of its Kind, or, where
// that is not known, those of all kinds, each optional.
func (v *OperationStruct) Members() []Member {
	url := Member{Name: "URL", Value: &v.URL, Type: AnyURI, Max: 1024, Optional: true}
	uuid := Member{Name: "UUID", Value: &v.UUID, Type: UUID, Optional: true}
	user := Member{Name: "Username", Value: &v.Username, Max: 256, Optional: true}
	password := Member{Name: "Password", Value: &v.Password, Max: 256, Optional: true}
	version := Member{Name: "Version", Value: &v.Version, Max: 32, Optional: true}
	env := Member{Name: "ExecutionEnvRef", Value: &v.ExecutionEnvRef, Max: 256, Optional: true}
	switch v.Kind {
	case "InstallOpStruct":
		url.Optional = false
		return []Member{url, uuid, user, password, env}
	case "UpdateOpStruct":
		return []Member{uuid, version, url, user, password}
	case "UninstallOpStruct":
		uuid.Optional = false
		return []Member{uuid, version, env}
	}
	return []Member{url, uuid, user, password, version, env}
}

// OpFaultStruct is how an operation on a deployment unit ended (A.4.2.3).
type OpFaultStruct struct {
	Presence
	FaultCode   Leaf
	FaultString Leaf
}

// Members lists the members in schema order.
func (v *OpFaultStruct) Members() []Member {
	return []Member{
		{Name: "FaultCode", Value: &v.FaultCode, Type: UnsignedInt},
		{Name: "FaultString", Value: &v.FaultString, Optional: true},
	}
}

// OpResultStruct is the result of one operation on a deployment unit (A.4.2.3).
type OpResultStruct struct {
	Presence
	UUID                 Leaf
	DeploymentUnitRef    Leaf
	Version              Leaf
	CurrentState         Leaf
	Resolved             Leaf
	ExecutionUnitRefList Leaf
	StartTime            Leaf
	CompleteTime         Leaf
	Fault                OpFaultStruct
}

// Members lists the members in schema order.
func (v *OpResultStruct) Members() []Member {
	return []Member{
		{Name: "UUID", Value: &v.UUID, Type: UUID},
		{Name: "DeploymentUnitRef", Value: &v.DeploymentUnitRef},
		{Name: "Version", Value: &v.Version, Max: 32},
		{Name: "CurrentState", Value: &v.CurrentState},
		{Name: "Resolved", Value: &v.Resolved, Type: Boolean},
		{Name: "ExecutionUnitRefList", Value: &v.ExecutionUnitRefList},
		{Name: "StartTime", Value: &v.StartTime, Type: DateTime},
		{Name: "CompleteTime", Value: &v.CompleteTime, Type: DateTime},
		{Name: "Fault", Value: &v.Fault},
	}
}

// AutonOpResultStruct is the result of an operation that the ACS did not ask for (A.4.2.4).
type AutonOpResultStruct struct {
	Presence
	UUID                 Leaf
	DeploymentUnitRef    Leaf
	Version              Leaf
	CurrentState         Leaf
	Resolved             Leaf
	ExecutionUnitRefList Leaf
	StartTime            Leaf
	CompleteTime         Leaf
	Fault                OpFaultStruct
	OperationPerformed   Leaf
}

// Members lists the members in schema order.
func (v *AutonOpResultStruct) Members() []Member {
	return []Member{
		{Name: "UUID", Value: &v.UUID, Type: UUID},
		{Name: "DeploymentUnitRef", Value: &v.DeploymentUnitRef},
		{Name: "Version", Value: &v.Version, Max: 32},
		{Name: "CurrentState", Value: &v.CurrentState},
		{Name: "Resolved", Value: &v.Resolved, Type: Boolean},
		{Name: "ExecutionUnitRefList", Value: &v.ExecutionUnitRefList},
		{Name: "StartTime", Value: &v.StartTime, Type: DateTime},
		{Name: "CompleteTime", Value: &v.CompleteTime, Type: DateTime},
		{Name: "Fault", Value: &v.Fault},
		{Name: "OperationPerformed", Value: &v.OperationPerformed},
	}
}

// OptionStruct is an option and its voucher (A.4.1.4).
type OptionStruct struct {
	Presence
	OptionName     Leaf
	VoucherSN      Leaf
	State          Leaf
	Mode           Leaf
	StartDate      Leaf
	ExpirationDate Leaf
	IsTransferable Leaf
}

// Members lists the members in schema order.
func (v *OptionStruct) Members() []Member {
	return []Member{
		{Name: "OptionName", Value: &v.OptionName, Max: 64},
		{Name: "VoucherSN", Value: &v.VoucherSN, Type: UnsignedInt},
		{Name: "State", Value: &v.State, Type: UnsignedInt},
		{Name: "Mode", Value: &v.Mode, Type: Int},
		{Name: "StartDate", Value: &v.StartDate, Type: DateTime},
		{Name: "ExpirationDate", Value: &v.ExpirationDate, Type: DateTime, Optional: true},
		{Name: "IsTransferable", Value: &v.IsTransferable, Type: Int},
	}
}

// ArgStruct is an argument of a requested download (A.4.2.2).
type ArgStruct struct {
	Presence
	Name  Leaf
	Value Leaf
}

// Members lists the members in schema order.
func (v *ArgStruct) Members() []Member {
	return []Member{
		{Name: "Name", Value: &v.Name, Max: 64},
		{Name: "Value", Value: &v.Value, Max: 256},
	}
}

// SetParameterValuesFault is what was wrong with one parameter of a SetParameterValues (3.5).
type SetParameterValuesFault struct {
	Presence
	ParameterName Leaf
	FaultCode     Leaf
	FaultString   Leaf
}

// Members lists the members in schema order.
func (v *SetParameterValuesFault) Members() []Member {
	return []Member{
		{Name: "ParameterName", Value: &v.ParameterName},
		{Name: "FaultCode", Value: &v.FaultCode, Type: UnsignedInt},
		{Name: "FaultString", Value: &v.FaultString, Optional: true},
	}
}
