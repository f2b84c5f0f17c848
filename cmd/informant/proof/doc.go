// Package proof holds Informant against software and data that aren't ours. It
// is tests alone:
//
//   - tshark: the HTTP messages and SOAP bodies of captures are those that
//     Wireshark's dissectors see (testdata/tshark-differences.tsv lists where
//     they are not, and why);
//   - truth: captures of real ACSs and CPEs are told as the ACS's own log and
//     tshark's counts have them;
//   - corpus: the messages of public repositories are read as expat reads them;
//   - invariance: what is told does not depend on how the bytes were cut,
//     reordered or repeated, and what is missing accuses nobody;
//   - bad input: bounded memory, a clear line, and the rest of the traffic told.
//
// Shared data is found through the environment variable INFORMANT_SHARED, else
// in a folder shared beside the repository; where it isn't, those tests are
// skipped. Counts are scaled down for every-day runs and full when
// INFORMANT_SOAK is set.
package proof
