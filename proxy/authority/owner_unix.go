//go:build unix

package authority

// ownersOnly: a file's mode says who may read it.
const ownersOnly = true
