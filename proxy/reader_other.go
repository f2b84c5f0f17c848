//go:build !unix

package proxy

import "net"

func rawReader(net.Conn) reader { return nil }

func unread(net.Conn, int) []byte { return nil }
