package check

import "slices"

// All is the catalogue, in reading order.
var All = placed(slices.Concat(soapXML, soapArrays, soapHeaders, versions, httpMessages, httpSessions, httpCookies, sequence, sequenceEnds, informs, events, faults, rpcs, rpcArguments, rpcCourse, types, security, identities, overTime, periods, knowledge, afterwards, connectionRequests, calledSessions, fileTransfers, acrossDevices, habits, watchedValues, secured, datagrams, stanzas))

// placed sets what follows from a check's place in the catalogue and from its
// id.
func placed(all []*Check) []*Check {
	for i, k := range all {
		k.order, k.cause, k.explained = i, causeOf(k.ID), explanationOf(k.ID)
		k.early = k.Gates&^WholeBody == 0 && certain(k)
	}
	return all
}
