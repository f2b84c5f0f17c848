// Package replay plays recorded sessions: CPE is the recorded CPE, and calls an
// ACS; ACS is the recorded ACS, and answers a CPE.
//
// Neither sends a script blindly. What the other side says is read and decoded,
// and the recorded message that answers it is sent: the answer to the same method,
// with the ID of the request that it answers, and with the time of now. What the
// recording has no answer to is answered by a fault (TR-069 A.5.1: 9000 of a CPE,
// 8000 of an ACS), and counted.
package replay
