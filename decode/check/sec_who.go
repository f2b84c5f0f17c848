package check

import (
	"encoding/base64"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"informant/capture"
	"informant/decode/cwmp"
	"informant/decode/soap"
)

// identities is the checks of who logs in, where one is sent, and what passes
// through.
var identities = []*Check{
	{
		ID: "SEC-007", Title: "The HTTP user is the device: OUI-ProductClass-SerialNumber or OUI-SerialNumber", Ref: "TR-069a6 3.4.4", Severity: Info, Gates: WholeSession | PlainHTTP, Subject: OfSession, odd: credentials, Run: userForm,
		Doc: "A SHOULD: with the name of the device as user name each device has credentials of its own. It is told once per session.",
	},
	{
		ID: "SEC-008", Title: "The HTTP user names no other device", Ref: "TR-069a6 3.4.4", Severity: Warning, Gates: WholeSession | PlainHTTP, Subject: OfSession, odd: credentials, Run: otherUser,
		Doc: "The user name has the form of a device's name, and it is not that of the Inform: credentials of one device are used by another one. It is told once per session.",
	},
	{
		ID: "SEC-010", Title: "A firmware comes over TLS", Ref: "TR-069a6 3.4.3", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, only: onTransfer, Run: firmwareInClear,
		Doc: "Over http, ftp or tftp anybody on the path can put another image in its place, unless the CPE verifies a signature, which can't be seen here.",
	},
	{
		ID: "SEC-011", Title: "No document type that defines entities", Ref: "SOAP 1.1 3", Severity: Warning, body: true, need: quirky, odd: otherQuirk, Run: entityAttack,
		Doc: "An entity definition in SOAP is no accident: it reads files of the receiver, or fills its memory (XXE). Informant never expands them. The document type itself is SOAP-039.",
	},
	{
		ID: "SEC-013", Title: "The ACS is not moved to clear HTTP or to another domain", Ref: "no standard: a sign of hijacking", Severity: Warning, Gates: WholeBody, each: true, body: true, need: valued, only: setsValues, Run: acsMoved,
		Doc: "SetParameterValues of ManagementServer.URL gives the CPE away to another ACS. That may be a migration; it is also how devices are stolen.",
	},
	{
		ID: "SEC-014", Title: "The HTTP user is no factory default", Ref: "no standard: security", Severity: Info, Gates: PlainHTTP, odd: credentials, need: aPOST, Run: defaultUser,
		Doc: "admin, tr069, acs and their like are the names that an attacker tries first. It is told once per session.",
	},
	{
		ID: "PRX-001", Title: "A connection carries one device", Ref: "TR-069a6 Annex J", Severity: Warning, Subject: OfSession, course: disturbed, Run: manyOnConn,
		Doc: "Informs of several DeviceIds came on one TCP connection: a proxy or a front end of the ACS shares connections between devices. What came on it is judged with care: many checks are silent.",
	},
	{
		ID: "INF-030", Title: "The session comes from ExternalIPAddress", Ref: "no standard: network address translation", Severity: Info, Gates: WholeSession | PlainHTTP | Transport, Subject: OfSession, course: saysOutside, Run: otherAddress,
		Doc: "The ACS sees another public address than the device believes to have: there is a NAT or a second WAN connection, and Connection Requests may not arrive.",
	},
	{
		ID: "EVT-029", Title: "0 BOOTSTRAP comes without older events", Ref: "TR-069a6 3.7.1.5", Severity: Warning, Gates: WholeBody, each: true, body: true, need: anInform, odd: firstContact | special, Run: bootstrapWithOld,
		Doc: "When the ACS changes or the device is reset, events that were not delivered are dropped. 1 BOOT may come with it, and M Reboot when it was the cause; 4 VALUE CHANGE is told as a note.",
	},
	{
		ID: "TYPE-012", Title: "A vendor's names begin with X_<OUI>_ or X_<DOMAIN>_", Ref: "TR-106a7 3.3", Severity: Warning, Gates: WholeBody, each: true, body: true, need: typed, odd: vendorNames, Run: vendorNodes,
		Doc: "Six hexadecimal digits in capitals, or a domain in capitals with dashes for its dots. It is told once per form and session.",
	},
	{
		ID: "TYPE-013", Title: "An alias has 1 to 64 characters", Ref: "TR-106a7 3.6.1", Severity: Error, Gates: WholeBody, each: true, body: true, need: typed, odd: oddName, Run: aliasForm,
		Doc: "What stands in brackets in a path is an alias: letters, digits, '-', '_' and '.', and no brackets.",
	},
	{
		ID: "TYPE-016", Title: "NumberOfEntries is the number of instances", Ref: "TR-106a7, TR-181, TR-098", Severity: Warning, Gates: Counterpart | WholeBody, each: true, body: true, need: typed | valued, only: hasCount, odd: listing, Run: entries,
		Doc: "Compared where the answer has both, the number and instances of its table. Tables that change by themselves are not compared.",
	},
	{
		ID: "TIME-012", Title: "The CPE waits 30 s for an answer", Ref: "TR-069a6 3.4", Severity: Warning, Gates: WholeSession | GoodClock | Transport, Subject: OfSession, course: dropped, Run: impatient,
		Doc: "It closed or reset the connection earlier, with a message that was not answered. A busy ACS needs longer.",
	},
	{
		ID: "HTTP-030", Title: "A redirected POST is sent again as it was", Ref: "TR-069a6 3.4.6", Severity: Error, Gates: WholeSession | PlainHTTP, Subject: OfSession, odd: redirected, Run: redirectedOtherwise,
		Doc: "After a 302 or 307 the CPE sends the same POST, with its body, to the Location. Informs may differ in CurrentTime. (Where the CPE went elsewhere to, nothing is seen here.)",
	},
	{
		ID: "HTTP-032", Title: "At most five redirects in a row", Ref: "TR-069a6 3.4.6", Severity: Warning, Gates: WholeSession | PlainHTTP, Subject: OfSession, odd: redirected, Run: redirectedOften,
		Doc: "A CPE may give up after five: ACSs that send it in a circle never get a session.",
	},
}

// user is the name in a message's Authorization. It is mostly the same as in the one
// before.
func (p *Pass) user(m *cwmp.Message) string {
	text, ok := m.HTTP.Field("Authorization")
	if !ok {
		return ""
	}
	if text != string(p.login) {
		p.login = append(p.login[:0], text...)
		if name := userOf(text); name != p.userName {
			p.userName = strings.Clone(name)
			p.isDefault = slices.Contains(defaultUsers, strings.ToLower(name))
		}
	}
	return p.userName
}

// userOf is the name in an Authorization.
func userOf(text string) string {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
		if err != nil {
			return ""
		}
		name, _, _ := strings.Cut(string(b), ":")
		return name
	case strings.EqualFold(scheme, "Digest"):
		i := strings.Index(rest, "username=")
		if i < 0 {
			return ""
		}
		rest = rest[i+len("username="):]
		if v, ok := strings.CutPrefix(rest, `"`); ok {
			name, _, _ := strings.Cut(v, `"`)
			return name
		}
		name, _, _ := strings.Cut(rest, ",")
		return strings.TrimSpace(name)
	}
	return ""
}

// devicesOf are the names that a device may have as a user.
func devicesOf(d cwmp.DeviceID) []string {
	return []string{d.OUI + "-" + d.ProductClass + "-" + d.SerialNumber, d.OUI + "-" + d.SerialNumber}
}

// namesDevice says whether a user's name has the form that names a device: an OUI, a
// dash, and something.
func namesDevice(name string) bool {
	for i := range len(name) {
		if c := name[i]; i == 6 {
			return c == '-' && len(name) > 7 && name[7] != '\n'
		} else if inBinary[c]&hexDigit == 0 {
			return false
		}
	}
	return false
}

// logins are the session's POSTs that name a user, those that name another than the one
// before, where the device is known.
func (p *Pass) logins(f func(m *cwmp.Message, name string, own bool) (more bool)) {
	d := p.Session.Device
	if d.OUI == "" || d.SerialNumber == "" || p.Session.Inform == nil || openNow(p.Session.Inform)&WholeBody == 0 {
		return
	}
	last := ""
	for _, m := range p.f.units {
		if m.From != cwmp.CPE || m.HTTP == nil {
			continue
		}
		name := p.user(m)
		if name == "" || name == last { // once for each in a row
			continue
		}
		last = name
		own := len(name) > len(d.OUI)+len(d.SerialNumber) && strings.EqualFold(name[:len(d.OUI)+1], d.OUI+"-") && strings.HasSuffix(name, "-"+d.SerialNumber) // whatever it is called between
		if plain, err := url.PathUnescape(name); !own && err == nil {
			own = slices.ContainsFunc(devicesOf(d), func(n string) bool { return strings.EqualFold(n, name) || strings.EqualFold(n, plain) })
		}
		if !f(m, name, own) {
			return
		}
	}
}

func userForm(p *Pass) {
	p.logins(func(m *cwmp.Message, name string, own bool) bool {
		if own || namesDevice(name) {
			return true
		}
		p.report(CPE, atField(m, "Authorization"), "The CPE logs in as a user that doesn't name the device")
		return false
	})
}

func otherUser(p *Pass) {
	p.logins(func(m *cwmp.Message, name string, own bool) bool {
		if own || !namesDevice(name) {
			return true
		}
		p.report(CPE, atField(m, "Authorization"), "The CPE logs in as %s, and its Inform is of %s", short(name), short(p.Session.Device.Key()))
		return false
	})
}

// defaultUsers are names that devices leave the factory with.
var defaultUsers = []string{"admin", "administrator", "root", "user", "test", "guest", "tr069", "tr-069", "cwmp", "acs", "cpe", "telecomadmin"}

func defaultUser(p *Pass) {
	if name := p.user(p.Message); name != "" && p.isDefault && p.firstTime("") {
		p.report(CPE, atField(p.Message, "Authorization"), "The CPE logs in as %s", short(name))
	}
}

func firmwareInClear(p *Pass) {
	var kind, l *cwmp.Leaf
	switch a := p.Message.Args.(type) {
	case *cwmp.Download:
		kind, l = &a.FileType, &a.URL
	case *cwmp.ScheduleDownload:
		kind, l = &a.FileType, &a.URL
	default:
		return
	}
	if !strings.HasPrefix(kind.Value, "1 ") && !strings.HasPrefix(kind.Value, "6 ") {
		return
	}
	u, err := url.Parse(strings.TrimSpace(l.Value))
	if err == nil && slices.Contains([]string{"http", "ftp", "tftp"}, strings.ToLower(u.Scheme)) {
		p.report(ACS, atLeaf(p.Message, l), "%s of a firmware over %s", p.Message.RPC, strings.ToLower(u.Scheme))
	}
}

func entityAttack(p *Pass) {
	if q, _ := p.firstQuirk(soap.Doctype); q != nil && p.Message.Document != nil && strings.Contains(p.Message.Document.Text, "<!ENTITY") {
		p.report(p.sender(), inText(p.Message, q.At), "The body defines entities")
	}
}

// domain is the last two labels of a host's name, or the whole of an address.
func domain(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return host
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	return strings.Join(labels[max(0, len(labels)-2):], ".")
}

func acsMoved(p *Pass) {
	a, ok := p.Message.Args.(*cwmp.SetParameterValues)
	if !ok {
		return
	}
	for i := range a.ParameterList.Items {
		x := &a.ParameterList.Items[i]
		if name := strings.TrimSpace(x.Name.Value); name != "Device.ManagementServer.URL" && name != "InternetGatewayDevice.ManagementServer.URL" {
			continue
		}
		to, err := url.Parse(strings.TrimSpace(x.Value.Value))
		from, err2 := url.Parse(p.Session.URL)
		if err != nil || err2 != nil || to.Hostname() == "" || from.Hostname() == "" {
			return
		}
		at := atLeaf(p.Message, &x.Value)
		switch {
		case from.Scheme == "https" && to.Scheme == "http":
			p.report(ACS, at, "The ACS is to be called over clear HTTP from now on")
		case domain(from.Hostname()) != domain(to.Hostname()):
			p.report(ACS, at, "The ACS is to be called at %s from now on, and this one is %s", short(to.Hostname()), short(from.Hostname()))
		}
	}
}

func manyOnConn(p *Pass) {
	if p.f.another != "" && p.Session.Inform != nil {
		p.report(Path, message(p.Session.Inform), "The connection carried an Inform of %s before", short(p.f.another))
	}
}

func otherAddress(p *Pass) {
	m := p.Session.Inform
	if m == nil || m.HTTP == nil || m.HTTP.Conn == nil || !m.HTTP.Conn.Client.IsValid() || m.Trimmed || m.HTTP.Offset != 0 { // behind another device's, it may be a proxy's
		return
	}
	c := m.HTTP.Conn
	list := parameters(m)
	for i := range list {
		if !strings.HasSuffix(list[i].Name.Value, ".ExternalIPAddress") {
			continue
		}
		says, err := netip.ParseAddr(strings.TrimSpace(list[i].Value.Value))
		from := c.Client.Addr().Unmap()
		if err == nil && says != from && public(says) && public(from) && says.Is4() == from.Is4() {
			p.report(CPE, atLeaf(m, &list[i].Value), "ExternalIPAddress is %s, and the session comes from %s", says, from)
		}
		return
	}
}

// public says whether an address is one of the Internet.
func public(a netip.Addr) bool {
	return a.IsValid() && !a.IsUnspecified() && !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast() && !isShared(a)
}

func bootstrapWithOld(p *Pass) {
	bootstrap := false
	p.eachEvent(func(e *cwmp.EventStruct) {
		bootstrap = bootstrap || standardSpelling(e.EventCode.Value) == "0 BOOTSTRAP"
	})
	if !bootstrap {
		return
	}
	p.eachEvent(func(e *cwmp.EventStruct) {
		switch code := standardSpelling(e.EventCode.Value); code {
		case "4 VALUE CHANGE":
			p.reportAs(Info, CPE, p.atEvent(e), "0 BOOTSTRAP comes with %s", code)
		case "2 PERIODIC", "3 SCHEDULED", "7 TRANSFER COMPLETE", "8 DIAGNOSTICS COMPLETE", "10 AUTONOMOUS TRANSFER COMPLETE", "11 DU STATE CHANGE COMPLETE", "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
			"M Download", "M Upload", "M ScheduleInform", "M ScheduleDownload", "M ChangeDUState":
			p.report(CPE, p.atEvent(e), "0 BOOTSTRAP comes with %s, which is from before it", code)
		}
	})
}

// vendorNode says whether a node that begins with X_ goes on as a vendor's does: capitals,
// digits and dashes, '_', and a name.
func vendorNode(node string) bool {
	n := 2
	for n < len(node) && (node[n] >= 'A' && node[n] <= 'Z' || node[n] >= '0' && node[n] <= '9' || node[n] == '-') {
		n++
	}
	return n > 2 && n+1 < len(node) && node[n] == '_' && node[n+1] != '\n'
}

func vendorNodes(p *Pass) {
	before := "." // mostly a vendor's names follow each other
	for _, l := range p.vendors {
		for rest := l.Value; ; {
			i := strings.Index(rest, "X_")
			if i < 0 {
				break
			}
			node, after, _ := strings.Cut(rest[i:], ".")
			if (i == 0 || rest[i-1] == '.') && !vendorNode(node) {
				who, _, _ := strings.Cut(node[2:], "_")
				if who != before && p.firstTime(who) {
					p.report(p.sender(), atLeaf(p.Message, l), "The name %s has the node %s", short(l.Value), short(node))
				}
				before = who
			}
			rest = after
		}
	}
}

var aliasText = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`) })

func aliasForm(p *Pass) {
	leaves(p.Message.Args, func(member *cwmp.Member, l *cwmp.Leaf) {
		switch member.Name {
		case "Name", "ParameterPath", "ObjectName", "ParameterNames":
		default:
			return
		}
		for rest := l.Value; ; {
			_, after, ok := strings.Cut(rest, "[")
			if !ok {
				return
			}
			alias, next, closed := strings.Cut(after, "]")
			if !closed || !aliasText().MatchString(alias) {
				p.report(p.sender(), atLeaf(p.Message, l), "%s has an alias that is none", quote(l.Value))
				return
			}
			rest = next
		}
	})
}

func entries(p *Pass) {
	if _, isAnswer := p.Message.Args.(*cwmp.GetParameterValuesResponse); !isAnswer {
		return
	}
	if t := p.transaction(); t == nil || !asksObjects(t.Request) {
		return
	}
	paths, _, ok := p.askedFor()
	if !ok {
		return
	}
	list := parameters(p.Message)
	told := map[string]int{} // by table: where its number stands
	for _, x := range p.marked {
		i := x.at
		table, ok := tableOf(list[i].Name.Value)
		if !ok || isRestless(table) {
			continue
		}
		if slices.ContainsFunc(paths, func(path string) bool {
			return (path == "" || strings.HasSuffix(path, ".")) && strings.HasPrefix(table, path)
		}) {
			told[table] = i
		}
	}
	if len(told) == 0 {
		return
	}
	seen := map[string]map[string]bool{}
	before := "" // the object of the name before: mostly the next is in it, too
	for i := range list {
		name := list[i].Name.Value
		object := name[:strings.LastIndexByte(name, '.')+1]
		if object == before {
			continue
		}
		before = object
		for at := 0; ; {
			n := strings.IndexByte(object[at:], '.')
			if n < 0 {
				break
			}
			if node := object[at : at+n]; digits(node) {
				if _, ok := told[object[:at]]; ok {
					if seen[object[:at]] == nil {
						seen[object[:at]] = map[string]bool{}
					}
					seen[object[:at]][node] = true
				}
			}
			at += n + 1
		}
	}
	for _, x := range p.marked {
		i := x.at
		table, ok := tableOf(list[i].Name.Value)
		if at, there := told[table]; !ok || !there || at != i {
			continue
		}
		instances := len(seen[table])
		if n, isNumber := list[i].Value.Int(); isNumber && instances > 0 && int64(instances) != n {
			p.report(CPE, atLeaf(p.Message, &list[i].Value), "%s is %d, and the answer has %s of %s", short(list[i].Name.Value), n, plural(instances, "instance"), short(table))
		}
	}
}

// asksObjects says whether a request asks for the values of whole objects.
func asksObjects(m *cwmp.Message) bool {
	q, ok := m.Args.(*cwmp.GetParameterValues)
	return ok && slices.ContainsFunc(q.ParameterNames.Items, func(l cwmp.Leaf) bool {
		name := trimmed(l.Value)
		return name == "" || name[len(name)-1] == '.'
	})
}

// tableOf is the table whose number of entries a parameter tells, with its dot.
func tableOf(name string) (table string, ok bool) {
	table, ok = strings.CutSuffix(strings.TrimSpace(name), "NumberOfEntries")
	if !ok || strings.HasSuffix(table, ".") {
		return "", false
	}
	return table + ".", true
}

func impatient(p *Pass) {
	s := p.Session
	if s.Ended != cwmp.ConnClosed && s.Ended != cwmp.ConnReset || len(s.Messages) == 0 {
		return
	}
	last := s.Messages[len(s.Messages)-1]
	c, seen := closer(s)
	if !seen || last.From != cwmp.CPE || !last.HTTP.Complete || c.From != capture.FromClient || c.After != len(s.Messages) {
		return
	}
	if waited := c.Time.Sub(last.End); waited >= 0 && waited < 30*time.Second {
		p.report(CPE, message(last), "The CPE gives up %s after %s, which was not answered", strconv.FormatFloat(waited.Seconds(), 'f', 1, 64)+" s", name(last))
	}
}

func redirectedOtherwise(p *Pass) {
	all := p.f.units
	for i, m := range all {
		if m.From != cwmp.ACS || m.Status != 302 && m.Status != 307 {
			continue
		}
		before, next := requestOf(p.Session, m), nextPOST(all, i)
		if before == nil || next == nil || before.Trimmed || next.Trimmed || !before.HTTP.Complete || !next.HTTP.Complete {
			continue
		}
		if isInform(before) && isInform(next) || before.HTTP.Body == next.HTTP.Body {
			continue
		}
		p.reportWith(Error, CPE, message(next), []*cwmp.Message{before, m}, "After the redirect of %s the CPE sends %s with another body", name(before), name(next))
	}
}

func redirectedOften(p *Pass) {
	n := 0
	for _, m := range p.f.units {
		if m.From != cwmp.ACS {
			continue
		}
		if m.Status/100 != 3 || m.Status == 304 {
			n = 0
			continue
		}
		if n++; n == 6 {
			p.report(ACS, message(m), "The ACS redirects the CPE for the sixth time in a row")
			return
		}
	}
}
