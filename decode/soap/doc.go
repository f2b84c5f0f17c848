// Package soap reads SOAP envelopes as they really come: fast, tolerant, and
// with the position of everything.
//
// A Reader goes over a body once. First a preparation settles the charset and
// replaces what XML has no characters for; the text is the body itself
// wherever nothing had to be replaced, and Document.Origin maps positions
// back. Then a Scanner pulls tokens: positions in the text, for which nothing
// is allocated. It never fails. What is not well-formed is noted as a Quirk
// and stepped over, and every Start has its End. NextMethod finds the methods
// in the envelope; their arguments are read by package cwmp straight from the
// Scanner.
//
// A text is judged as strictly as expat does: the quirks Malformed, Truncated,
// ForbiddenChar, BadCharset and their like are there exactly when a strict
// parser with namespaces would refuse it. DOCTYPE, entities and processing
// instructions are noted and never followed.
//
// All memory is bounded: nesting (MaxDepth), elements (MaxElements), attributes
// of an element, quirks of a kind.
//
// Trees (Node) are made only of what has no schema. Etree hands a document
// over to package etree for those who reshape it.
package soap
