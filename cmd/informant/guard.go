package main

import (
	"fmt"

	"informant/capture"
)

// failure is a panic of a part of the program that cost a part of the account.
type failure struct {
	what string // what failed: "closing an input"
	why  any    // the panic's value
}

func (f failure) Error() string { return fmt.Sprintf("%s failed: %v", f.what, f.why) }

// Is makes a failure cost what damaged input costs: the account is not whole.
func (f failure) Is(target error) bool { return target == capture.ErrDamaged }

// guarded runs f; its panic becomes a failure.
func guarded(what string, f func() error) (err error) {
	defer func() {
		if x := recover(); x != nil {
			err = failure{what, x}
		}
	}()
	return f()
}
