package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"informant/proxy"
)

// routing is a listener's address and where its connections go.
type routing struct {
	listen    string
	terminate bool
	originate bool
	to        proxy.Route
}

// goal is where a route goes, in a word.
func (r *routing) goal() string {
	if r.to.Forward != nil {
		return "as clients ask"
	}
	return r.to.Upstream
}

// terminates says whether TLS is ended at one of the listeners.
func terminates(routes []routing) bool {
	return slices.ContainsFunc(routes, func(r routing) bool { return r.terminate })
}

// routes pairs listeners with upstreams, or with what clients ask for.
func (o *proxyOptions) routes() ([]routing, error) {
	if err := o.fit(); err != nil {
		return nil, err
	}
	listen := o.listen
	if len(listen) == 0 {
		listen = []string{map[bool]string{false: ":7547", true: "127.0.0.1:8080"}[o.forward]}
	}
	var all []routing
	for i, l := range listen {
		r, err := o.route(i)
		if err != nil {
			return nil, err
		}
		var secure bool
		r.listen, secure = strings.CutPrefix(l, "https://")
		r.listen = strings.TrimPrefix(r.listen, "http://")
		switch {
		case o.forward && secure:
			return nil, usageError{fmt.Errorf("--listen %s: clients of --forward call it in clear; the TLS that they speak is inside of CONNECT", l)}
		case o.forward && len(o.allow) == 0 && !ownOnly(r.listen):
			return nil, usageError{fmt.Errorf("--listen %s: others can reach that address; say with --allow where they may be connected to", l)}
		case o.passthrough > 0 && !o.forward && secure != r.originate:
			return nil, usageError{errors.New("--passthrough-on-failure: what a CPE encrypts can be relayed only between an https:// listener and an https:// upstream")}
		}
		r.terminate = r.terminate || secure
		r.to.AcceptProxy = o.acceptProxy
		if o.sendProxy != "" {
			r.to.SendProxy = o.sendProxy[1] - '0'
		}
		all = append(all, r)
	}
	return all, nil
}

// fit says which options don't go together.
func (o *proxyOptions) fit() error {
	switch {
	case o.forward && len(o.upstream) > 0:
		return usageError{errors.New("--forward goes where clients ask, --upstream to one ACS: give one of them")}
	case !o.forward && len(o.allow) > 0:
		return usageError{errors.New("--allow belongs to --forward; otherwise clients are connected to --upstream only")}
	case !o.forward && len(o.upstream) == 0:
		return usageError{errors.New("--upstream URL is missing: the ACS, such as http://acs.example:7547 (or --forward)")}
	case len(o.upstream) > 1 && len(o.upstream) != max(len(o.listen), 1):
		return usageError{fmt.Errorf("%d --listen and %d --upstream: give as many of both, or one --upstream", max(len(o.listen), 1), len(o.upstream))}
	case o.passthrough < 0:
		return usageError{fmt.Errorf("--passthrough-on-failure %d: it takes how many handshakes have to fail", o.passthrough)}
	case o.sendProxy != "":
		return oneOf("send-proxy", o.sendProxy, "v1", "v2")
	}
	return nil
}

// route is where the connections of the listener of that index go.
func (o *proxyOptions) route(i int) (routing, error) {
	if !o.forward {
		return parseUpstream(o.upstream[min(i, len(o.upstream)-1)])
	}
	to := &proxy.Forward{}
	for _, text := range o.allow {
		t, err := proxy.ParseTarget(text)
		if err != nil {
			return routing{}, usageError{fmt.Errorf("--allow %w", err)}
		}
		to.Allow = append(to.Allow, t)
	}
	ends := o.tls.ca != "" || len(o.tls.certs) > 0
	if !ends {
		_, _, err := loadAuthority("")
		ends = err == nil
	}
	return routing{terminate: ends, originate: ends, to: proxy.Route{Forward: to}}, nil
}

// ownOnly says whether an address can be called from this machine only.
func ownOnly(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() || host == "localhost"
}

// parseUpstream reads the URL of an ACS.
func parseUpstream(text string) (routing, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return routing{}, usageError{fmt.Errorf("--upstream %q: %w", text, err)}
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return routing{}, usageError{fmt.Errorf("--upstream %q: it takes http[s]://HOST[:PORT]", text)}
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil:
		return routing{}, usageError{fmt.Errorf("--upstream %q: only a host and a port are wanted: the path is the CPE's to say", text)}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return routing{originate: u.Scheme == "https", to: proxy.Route{Upstream: net.JoinHostPort(u.Hostname(), port)}}, nil
}

// equip gives routes their TLS settings.
func (o *proxyOptions) equip(routes []routing, s *secured) {
	var pass *proxy.Passthrough // one for all: a CPE's failures count wherever it calls
	if o.passthrough > 0 {
		pass = &proxy.Passthrough{After: o.passthrough}
	}
	for i := range routes {
		r := &routes[i]
		if r.terminate {
			r.to.Terminate, r.to.Passthrough = s.forCPEs(), pass
		}
		if r.originate {
			r.to.Originate = s.forACS
		}
	}
}
