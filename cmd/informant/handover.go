package main

import (
	"sync/atomic"

	"informant/decode"
)

// handover is items on their way from decoding to telling. Small ones wait there for the
// teller, so that neither side need wait for the other at each step; large ones, which
// hold a lot of memory, are handed from hand to hand.
type handover struct {
	queue chan parcel
	held  atomic.Int64       // bytes of traffic in what was put and is not told yet
	told  chan struct{}      // something was
	spare chan []decode.Item // lists of items that were told
}

// parcel is items, and the bytes of traffic that they hold.
type parcel struct {
	items []decode.Item
	bytes int64
}

const (
	parcels     = 8
	parcelBytes = 1 << 20 // of all parcels but one
)

func newHandover() *handover {
	return &handover{queue: make(chan parcel, parcels), told: make(chan struct{}, 1), spare: make(chan []decode.Item, parcels)}
}

// put hands items on, and returns a list for the next ones.
func (h *handover) put(p parcel) []decode.Item {
	for n := h.held.Load(); n > 0 && n+p.bytes > parcelBytes; n = h.held.Load() {
		<-h.told
	}
	h.held.Add(p.bytes)
	h.queue <- p
	select {
	case list := <-h.spare:
		return list
	default:
		return nil
	}
}

// close says that nothing more will be put.
func (h *handover) close() { close(h.queue) }

// done says that a parcel was told, or dropped. Its list serves again.
func (h *handover) done(p parcel) {
	clear(p.items)
	h.held.Add(-p.bytes)
	select {
	case h.told <- struct{}{}:
	default:
	}
	select {
	case h.spare <- p.items[:0]:
	default:
	}
}
