package traffic

import (
	"net/netip"
	"strconv"

	"informant/capture"
)

// small is what most devices do most of the time.
func (d *device) small() {
	switch n := d.rnd.IntN(100); {
	case n < 35: // nothing but the Inform
		d.inform(event{code: "2 PERIODIC"})
		d.post(nil)
	case n < 50:
		d.inform(event{code: "4 VALUE CHANGE"})
		d.post(nil)
		d.getValues(0, 8+d.rnd.IntN(40), false)
	case n < 65:
		d.inform(event{code: "0 BOOTSTRAP"}, event{code: "1 BOOT"})
		d.post(nil)
		d.discover()
		d.setValues(false)
	case n < 78:
		d.knocked()
		d.inform(event{code: "6 CONNECTION REQUEST"})
		d.post(nil)
		d.getValues(d.rnd.IntN(20), 1+d.rnd.IntN(30), false)
		d.setValues(d.rnd.IntN(3) == 0)
	case n < 88:
		d.inform(event{code: "2 PERIODIC"})
		d.post(nil)
		d.objects()
		d.getValues(0, 20+d.rnd.IntN(40), false)
	case n < 94:
		d.upgrade()
		return
	default:
		d.inform(event{code: "2 PERIODIC"})
		d.post(nil)
		key := "rb-" + d.hex(4)
		d.reboot(key)
		d.end()
		d.inform(event{code: "1 BOOT"}, event{code: "M Reboot", key: key})
		d.post(nil)
	}
	d.end()
}

// large is the ACS asking for everything.
func (d *device) large() {
	d.inform(event{code: "1 BOOT"})
	d.post(nil)
	d.discover()
	for range 1 + d.rnd.IntN(3) {
		d.getValues(0, 15000, true)
	}
	d.end()
}

func (d *device) discover() {
	d.getNames("", true)
	for _, o := range []string{"DeviceInfo.", "ManagementServer.", "Time."} {
		d.getNames(o, false)
	}
}

// upgrade is a download, the file on its way, and its report.
func (d *device) upgrade() {
	key, path := "fw-"+d.hex(6), "/fw/"+d.hex(8)+".bin"
	size := 4000 + d.rnd.IntN(40000)
	failed := d.rnd.IntN(4) == 0
	d.inform(event{code: "2 PERIODIC"})
	d.post(nil)
	d.download(key, "http://files.example:8080"+path, size)
	d.end()
	began := d.g.cap.Now()
	d.fetch(path, size, failed)
	d.inform(event{code: "7 TRANSFER COMPLETE"}, event{code: "M Download", key: key})
	d.transferComplete(key, began, failed)
	d.post(nil)
	d.end()
}

// fetch is the device fetching a file.
func (d *device) fetch(path string, size int, missing bool) {
	d.port++
	files := netip.MustParseAddrPort("203.0.113.80:8080")
	if d.ipv6 {
		files = netip.MustParseAddrPort("[2001:db8::80]:8080")
	}
	k := d.g.open(netip.AddrPortFrom(d.addr, d.port), files)
	d.g.stats.Methods["GET"]++
	k.Send(capture.FromClient, []byte("GET "+path+" HTTP/1.1\r\nHost: files.example:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"))
	if missing {
		d.g.stats.Statuses[404]++
		k.Send(capture.FromServer, []byte("HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nno such"))
	} else {
		d.g.stats.Statuses[200]++
		b := append(d.wire[:0], "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(size), 10)
		b = append(b, "\r\n\r\n"...)
		for i := range size {
			b = append(b, byte(i*i>>3)^byte(i))
		}
		d.wire = b
		k.Send(capture.FromServer, b)
	}
	k.Close(capture.FromServer)
}

// knock is where the device waits for connection requests.
func (d *device) knock() string { return netip.AddrPortFrom(d.addr, 7547).String() }

func (d *device) knockPath() string { return "/cr/" + d.serial }

// knocked is the ACS calling the device with a connection request.
func (d *device) knocked() {
	d.g.caller++
	k := d.g.open(netip.AddrPortFrom(d.to.Addr(), 20000+d.g.caller%40000), netip.AddrPortFrom(d.addr, 7547))
	nonce := d.hex(32)
	get := "GET " + d.knockPath() + " HTTP/1.1\r\nHost: " + d.knock() + "\r\n"
	d.g.stats.Methods["GET"] += 2
	d.g.stats.Statuses[401]++
	d.g.stats.Statuses[200]++
	d.g.stats.ConnectionRequests++
	k.Send(capture.FromClient, []byte(get+"\r\n"))
	k.Send(capture.FromServer, []byte("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Digest realm=\"cpe\", qop=\"auth\", nonce=\""+nonce+"\"\r\n\r\n"))
	k.Send(capture.FromClient, []byte(get+"Authorization: Digest username=\"acs\", realm=\"cpe\", nonce=\""+nonce+"\", uri=\""+d.knockPath()+
		"\", qop=auth, nc=00000001, cnonce=\""+d.hex(8)+"\", response=\""+d.hex(32)+"\"\r\n\r\n"))
	k.Send(capture.FromServer, []byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	k.Close(capture.FromClient)
}
