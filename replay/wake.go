package replay

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Wake asks a CPE to call: a Connection Request (TR-069 3.2.2), with the login that
// the CPE asks for.
func Wake(ctx context.Context, to string, l Login, timeout time.Duration, random *Random) error {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("replay: %q is no URL of a CPE", to)
	}
	client := &http.Client{Timeout: orDefault(timeout), Transport: &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	who := loggedIn{Login: l, random: random}
	for n := 0; ; n++ {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
		if err != nil {
			return err
		}
		answer, err := who.answer(http.MethodGet, u.RequestURI(), "")
		if err != nil {
			return err
		}
		if answer != "" {
			r.Header.Set("Authorization", answer)
		}
		w, err := client.Do(r)
		if err != nil {
			return fmt.Errorf("replay: the CPE can't be woken: %w", err)
		}
		_, _ = io.CopyN(io.Discard, w.Body, 64<<10)
		w.Body.Close()
		switch {
		case w.StatusCode/100 == 2:
			return nil
		case w.StatusCode == http.StatusUnauthorized && n == 0:
			if err := who.asked(w.Header.Values("WWW-Authenticate")); err != nil {
				return fmt.Errorf("replay: the CPE wants a login to be woken: %w", err)
			}
		default:
			return fmt.Errorf("replay: the CPE answers the connection request with status %s", w.Status)
		}
	}
}

// ConnectionRequest is where the device of a model is called, and by which login, as
// far as its sessions tell.
func (m *Model) ConnectionRequest() (to string, l Login) {
	const at = "ManagementServer.ConnectionRequest"
	return m.value(at + "URL"), Login{m.value(at + "Username"), m.value(at + "Password")}
}
