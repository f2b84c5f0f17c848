package main

import (
	"context"
	"sync/atomic"
)

// handover is things on their way from one goroutine to another. Small ones wait there, so
// that neither side need wait for the other at each step; large ones, which hold a lot of
// memory, are handed from hand to hand.
type handover[T any] struct {
	queue chan parcel[T]
	limit int64         // bytes of all that are on their way, but for one
	held  atomic.Int64  // bytes in what was put and is not done with yet
	done  chan struct{} // something is
	spare chan T        // things that are done with
}

// parcel is a thing, and the bytes of traffic that it holds.
type parcel[T any] struct {
	what  T
	bytes int64
}

func newHandover[T any](most int, limit int64) *handover[T] {
	return &handover[T]{queue: make(chan parcel[T], most), limit: limit, done: make(chan struct{}, 1), spare: make(chan T, most+2)}
}

// put hands a thing on. It is false where the context ended before.
func (h *handover[T]) put(ctx context.Context, what T, bytes int64) bool {
	for n := h.held.Load(); n > 0 && n+bytes > h.limit; n = h.held.Load() {
		select {
		case <-h.done:
		case <-ctx.Done():
			return false
		}
	}
	h.held.Add(bytes)
	select {
	case h.queue <- parcel[T]{what, bytes}:
		return true
	case <-ctx.Done():
		return false
	}
}

// close says that nothing more will be put.
func (h *handover[T]) close() { close(h.queue) }

// release says that what came in a parcel is done with; empty is what of it serves again.
func (h *handover[T]) release(x parcel[T], empty T) {
	h.held.Add(-x.bytes)
	select {
	case h.done <- struct{}{}:
	default:
	}
	select {
	case h.spare <- empty:
	default:
	}
}

// reuse is a thing that was done with, the zero value where there is none.
func (h *handover[T]) reuse() (what T) {
	select {
	case what = <-h.spare:
	default:
	}
	return what
}
