package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// contenders are what can be measured on this machine; with TLS only those that a
// bar is about.
func contenders(informant string, tls bool) []contender {
	run := func(out string, args ...string) func(dir, listen, upstream string) (*exec.Cmd, error) {
		return func(dir, listen, upstream string) (*exec.Cmd, error) {
			all := append([]string{"proxy", "--listen", listen, "--upstream", "http://" + upstream}, args...)
			if tls {
				all = append([]string{"proxy", "--listen", "https://" + listen, "--upstream", "https://" + upstream, "--upstream-insecure",
					"--cert", filepath.Join(dir, certificateFile), "--key", filepath.Join(dir, keyFile)}, args...)
			}
			if out != "" {
				name := filepath.Join(dir, out)
				os.Remove(name)
				all = append(all, "-w", name)
			}
			return started(exec.Command(informant, all...))
		}
	}
	list := []contender{
		{name: "direct"},
		{"informant", run("", "--quiet")},
		{"informant -w", run("bench.cwmp", "--quiet")},
		{"informant -w, telling", run("bench.cwmp", "-o", "json")},
	}
	if _, err := exec.LookPath("nginx"); err == nil {
		list = append(list, contender{"nginx", func(dir, listen, upstream string) (*exec.Cmd, error) { return startNginx(dir, listen, upstream, tls) }})
	}
	if _, err := exec.LookPath("mitmdump"); err == nil && !tls {
		list = append(list, contender{"mitmdump -w", startMitmdump})
	}
	return list
}

// started starts a program in a group of its own, its output thrown away.
func started(cmd *exec.Cmd) (*exec.Cmd, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd, cmd.Start()
}

func stopProcess(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	done := make(chan struct{})
	go func() { cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
}

// startNginx starts nginx as it is set up for this: two workers, connections to
// the upstream kept, no log.
func startNginx(dir, listen, upstream string, tls bool) (*exec.Cmd, error) {
	secure, scheme := "", "http"
	if tls {
		scheme = "https"
		secure = fmt.Sprintf(" ssl; ssl_certificate %s; ssl_certificate_key %s", filepath.Join(dir, certificateFile), filepath.Join(dir, keyFile))
	}
	conf := fmt.Sprintf(`daemon off;
worker_processes 2;
pid %[1]s/nginx.pid;
error_log /dev/null crit;
events { worker_connections 2048; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
	client_body_buffer_size 64k;
	keepalive_requests 100000000;
	upstream acs { server %[3]s; keepalive 128; keepalive_requests 100000000; }
	server { listen %[2]s%[4]s; location / { proxy_pass %[5]s://acs; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; } }
}
`, dir, listen, upstream, secure, scheme)
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	return started(exec.Command("nginx", "-c", name, "-p", dir))
}

func startMitmdump(dir, listen, upstream string) (*exec.Cmd, error) {
	_, port, _ := net.SplitHostPort(listen)
	return started(exec.Command("mitmdump", "-q", "--set", "confdir="+dir, "--mode", "reverse:http://"+upstream, "--listen-host", "127.0.0.1", "-p", port, "-w", filepath.Join(dir, "bench.flows")))
}

func awaitPort(addr string) error {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			time.Sleep(50 * time.Millisecond)
			return nil
		}
	}
	return fmt.Errorf("nothing listens on %s", addr)
}

// cpuOf is the time that a program and its children have used.
func cpuOf(cmd *exec.Cmd) time.Duration {
	if cmd == nil {
		return 0
	}
	group := cmd.Process.Pid
	dirs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0
	}
	var ticks int64
	for _, name := range dirs {
		b, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		_, rest, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if !ok || len(f) < 13 || f[2] != strconv.Itoa(group) {
			continue
		}
		for _, t := range f[11:13] { // utime, stime
			n, _ := strconv.ParseInt(t, 10, 64)
			ticks += n
		}
	}
	const perSecond = 100 // USER_HZ
	return time.Duration(ticks) * time.Second / perSecond
}
