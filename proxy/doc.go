// Package proxy relays the connections of CPEs to their ACS and taps what is said
// on them. It is in the path and never in the way:
//
//   - Each client connection has one upstream connection of its own, opened,
//     half-closed, closed and reset in step with it. Nothing is pooled.
//   - Bytes pass as they are, in both directions. Nobody reads them as HTTP, so
//     there is nothing that a relay could refuse, reorder or repair.
//   - Observers stand behind a Tap each: a bounded queue in which the relay puts a
//     copy of what it has read, and for which it never waits. Where an observer
//     falls behind, what it missed is a Gap record and is counted.
//
// # What a CPE sees of it
//
// Beside the address it calls, and the certificate where TLS is terminated, a CPE
// sees these differences to calling its ACS itself:
//
//   - A connection is accepted before the ACS has accepted it. An ACS that refuses,
//     or can't be reached, shows as a reset right after that.
//   - Whatever TCP itself does (segments, options, keep-alive, the path's MTU) is
//     the proxy's: bytes arrive in other segments than those they were sent in.
//   - A reset by one side is passed to the other when it is next read or written.
//     Bytes that were on their way when it came may be lost, as they may without a
//     proxy.
//
// In forward mode, where the client knows that there is a proxy, also these:
//
//   - The proxy answers itself: 200 to a CONNECT, 403 for a target that is not on
//     the list, 400 for a request without a target, 502 or 504 where there is no
//     connection to it.
//   - A request with an absolute target goes as it is to the one that the first
//     request on the connection named. One to another target is not passed on: both
//     connections end, and the client asks again on another one.
//
// # Who changes what passes
//
// Route.Edit is where rewriting will stand: an Editor gets the bytes of a
// connection and returns those that are passed on. Taps get what the author said.
package proxy
