package check

import "slices"

// All is the catalogue, in reading order.
var All = slices.Concat(soapXML, soapArrays, soapHeaders, versions, httpMessages, httpSessions, httpCookies, sequence, sequenceEnds, informs, events, faults, rpcs, types, security)
