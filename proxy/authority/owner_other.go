//go:build !unix

package authority

const ownersOnly = false
