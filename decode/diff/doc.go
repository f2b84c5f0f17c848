// Package diff holds one session against another by meaning: what was said, in
// which order, and not by which bytes. It serves the verdict on a replay, and any
// other comparison of two sessions of the same course.
//
// Steps are the messages. Those of one session are aligned with those of the other
// so that as few as possible are left over; each pair is the same or different, and
// what is left over is missing (of the recorded session) or extra (of the played
// one). Parameters are sets: their order is of no account. IDs, cookies, challenges
// and their answers, and the order of header fields are none of the meaning, and
// what Rules name as volatile is looked at as they say.
package diff
