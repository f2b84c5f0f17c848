package cwmp

// The members of the structs that come by the thousand, and of the messages of
// everyday sessions, listed once. Their values stand aside, so that listing
// those of a struct allocates nothing.
var (
	informMembers    = new(Inform).Members()
	deviceMembers    = new(DeviceIDStruct).Members()
	eventMembers     = new(EventStruct).Members()
	valueMembers     = new(ParameterValueStruct).Members()
	infoMembers      = new(ParameterInfoStruct).Members()
	attributeMembers = new(ParameterAttributeStruct).Members()

	informResponseMembers = new(InformResponse).Members()
	getValuesMembers      = new(GetParameterValues).Members()
	gotValuesMembers      = new(GetParameterValuesResponse).Members()
	setValuesMembers      = new(SetParameterValues).Members()
	statusMembers         = new(SetParameterValuesResponse).Members()
	getNamesMembers       = new(GetParameterNames).Members()
	gotNamesMembers       = new(GetParameterNamesResponse).Members()
	addObjectMembers      = new(AddObject).Members()
	objectAddedMembers    = new(AddObjectResponse).Members()
	deleteObjectMembers   = new(DeleteObject).Members()
	objectDeletedMembers  = new(DeleteObjectResponse).Members()

	rebootMembers        = new(Reboot).Members()
	downloadMembers      = new(Download).Members()
	downloadingMembers   = new(DownloadResponse).Members()
	transferredMembers   = new(TransferComplete).Members()
	transferFaultMembers = new(FaultStruct).Members()
)

// hotMembers is how many members such a struct has at most.
const hotMembers = 10

// hot is the members of s without their values, which it puts into values, and
// where the presence of s is kept, nil where that is not kept. It returns no
// members of a struct that is none of these.
func hot(s Struct, values *[hotMembers]Value) ([]Member, *Presence) {
	switch s := s.(type) {
	case *ParameterValueStruct:
		values[0], values[1] = &s.Name, &s.Value
		return valueMembers, &s.Presence
	case *ParameterInfoStruct:
		values[0], values[1] = &s.Name, &s.Writable
		return infoMembers, &s.Presence
	case *ParameterAttributeStruct:
		values[0], values[1], values[2] = &s.Name, &s.Notification, &s.AccessList
		return attributeMembers, &s.Presence
	case *EventStruct:
		values[0], values[1] = &s.EventCode, &s.CommandKey
		return eventMembers, &s.Presence
	case *DeviceIDStruct:
		values[0], values[1], values[2], values[3] = &s.Manufacturer, &s.OUI, &s.ProductClass, &s.SerialNumber
		return deviceMembers, &s.Presence
	case *Inform:
		copy(values[:], []Value{&s.DeviceID, &s.Event, &s.MaxEnvelopes, &s.CurrentTime, &s.RetryCount, &s.ParameterList})
		return informMembers, nil
	case *InformResponse:
		values[0] = &s.MaxEnvelopes
		return informResponseMembers, nil
	case *GetParameterValues:
		values[0] = &s.ParameterNames
		return getValuesMembers, nil
	case *GetParameterValuesResponse:
		values[0] = &s.ParameterList
		return gotValuesMembers, nil
	case *SetParameterValues:
		values[0], values[1] = &s.ParameterList, &s.ParameterKey
		return setValuesMembers, nil
	case *SetParameterValuesResponse:
		values[0] = &s.Status
		return statusMembers, nil
	case *GetParameterNames:
		values[0], values[1] = &s.ParameterPath, &s.NextLevel
		return getNamesMembers, nil
	case *GetParameterNamesResponse:
		values[0] = &s.ParameterList
		return gotNamesMembers, nil
	case *AddObject:
		values[0], values[1] = &s.ObjectName, &s.ParameterKey
		return addObjectMembers, nil
	case *AddObjectResponse:
		values[0], values[1] = &s.InstanceNumber, &s.Status
		return objectAddedMembers, nil
	case *DeleteObject:
		values[0], values[1] = &s.ObjectName, &s.ParameterKey
		return deleteObjectMembers, nil
	case *DeleteObjectResponse:
		values[0] = &s.Status
		return objectDeletedMembers, nil
	case *Reboot:
		values[0] = &s.CommandKey
		return rebootMembers, nil
	case *Download:
		*values = [hotMembers]Value{&s.CommandKey, &s.FileType, &s.URL, &s.Username, &s.Password, &s.FileSize, &s.TargetFileName, &s.DelaySeconds, &s.SuccessURL, &s.FailureURL}
		return downloadMembers, nil
	case *DownloadResponse:
		values[0], values[1], values[2] = &s.Status, &s.StartTime, &s.CompleteTime
		return downloadingMembers, nil
	case *TransferComplete:
		values[0], values[1], values[2], values[3] = &s.CommandKey, &s.FaultStruct, &s.StartTime, &s.CompleteTime
		return transferredMembers, nil
	case *FaultStruct:
		values[0], values[1] = &s.FaultCode, &s.FaultString
		return transferFaultMembers, &s.Presence
	}
	return nil, nil
}

// EachMember calls f with the members of s and their values, in the order of the schema.
// Member.Value is not to be used. For what nearly every session holds it allocates
// nothing, which s.Members does.
func EachMember(s Struct, f func(m *Member, v Value)) {
	var values [hotMembers]Value
	list, _ := hot(s, &values)
	if list == nil {
		list = s.Members()
		for i := range list {
			f(&list[i], list[i].Value)
		}
		return
	}
	for i := range list {
		f(&list[i], values[i])
	}
}
