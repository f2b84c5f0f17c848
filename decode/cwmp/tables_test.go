package cwmp

import (
	"strings"
	"testing"
)

func TestStandardEvent(t *testing.T) {
	for _, c := range []struct {
		code, want string
		exact      bool
	}{
		{"0 BOOTSTRAP", "0 BOOTSTRAP", true}, {"14 HEARTBEAT", "14 HEARTBEAT", true}, {"M Download", "M Download", true},
		{"0 bootstrap", "0 BOOTSTRAP", false}, {" 1  BOOT", "1 BOOT", false}, {"1BOOT", "1 BOOT", false}, {"m reboot", "M Reboot", false}, {"4 VALUE_CHANGE", "4 VALUE CHANGE", false},
		{"0 BOOTSTAP", "0 BOOTSTRAP", false}, {"8 CLIENT CHANGE", "8 DIAGNOSTICS COMPLETE", false}, {"2", "2 PERIODIC", false}, {"PERIODIC", "2 PERIODIC", false}, {"M Dowload", "M Download", false},
		{"X 00D09E Thing", "", false}, {"X example.com A thing", "", false}, {"M X_00D09E_Do", "", false}, {"15 NEW", "", false}, {"", "", false}, {"M Frobnicate", "", false}, {"7 VALUE CHANGE", "", false},
	} {
		e, exact, ok := StandardEvent(c.code)
		if e.Code != c.want || exact != c.exact || ok != (c.want != "") {
			t.Errorf("%q: %q, exact %v, %v", c.code, e.Code, exact, ok)
		}
	}
	for _, e := range StandardEvents() {
		for _, with := range e.With {
			if _, exact, _ := StandardEvent(with); !exact {
				t.Errorf("%s: with %s", e.Code, with)
			}
		}
		for _, m := range []string{e.ClearedBy, e.Calls, e.Method} {
			if _, ok := methods[m]; m != "" && !ok {
				t.Errorf("%s: method %s", e.Code, m)
			}
		}
	}
}

func TestFaultName(t *testing.T) {
	for code, want := range map[int]string{9003: "Invalid arguments", 8005: "Retry request", 9801: "Vendor fault", 8899: "Vendor fault"} {
		if name, _, ok := FaultName(code); name != want || !ok {
			t.Errorf("%d is %q", code, name)
		}
	}
	for _, code := range []int{0, 9033, 8007, 9900, 1} {
		if name, _, ok := FaultName(code); ok {
			t.Errorf("%d is %q", code, name)
		}
	}
	for _, code := range FaultCodes() {
		if _, side, ok := FaultName(code); !ok || side != SideClient && side != SideServer || FaultSide(code) == Unknown {
			t.Errorf("%d", code)
		}
	}
}

func TestIsSecret(t *testing.T) {
	for path, want := range map[string]bool{
		"Password": true, "Device.ManagementServer.Password": true, "Device.ManagementServer.ConnectionRequestPassword": true, "Device.ManagementServer.STUNPassword": true,
		"InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.PreSharedKey.1.PreSharedKey": true, "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.WEPKey.1.WEPKey": true,
		"InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.KeyPassphrase": true, "Device.WiFi.AccessPoint.1.Security.KeyPassphrase": true,
		"Device.WiFi.AccessPoint.1.Security.RadiusSecret": true, "InternetGatewayDevice.Services.VoiceService.1.VoiceProfile.1.Line.1.SIP.AuthPassword": true,
		"X_00D09E_AdminPassword2": true, "Device.X.SIPAuthPass": true, "RootPass2": true, "Device.X.FirewallBypass": false, "Device.Users.User.1.password": true, "a.WEPKey.1.": true, "Device.WiFi.AccessPoint.1.WPS.PIN": true,
		"Username": false, "Device.ManagementServer.Username": false, "Device.ManagementServer.ConnectionRequestUsername": false, "Device.ManagementServer.ParameterKey": false,
		"Device.DeviceInfo.SerialNumber": false, "": false, ".": false, "CommandKey": false, "Device.X.PasswordResetRequired": false, "Device.IP.Interface.1.Name": false, "Device.Ping": false,
	} {
		if IsSecret(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
}

// TestMaybeSecret: the quick look lets every secret through.
func TestMaybeSecret(t *testing.T) {
	names := append(append([]string{"wepkey0", "\u212Ai", "To\u212Aen", "[a]", "x"}, secretEnds[:]...), secretNames[:]...)
	for _, name := range names {
		for _, form := range []string{"%s", "A.%s", "A.%s.1", "A.%s.1.", "A.%s7", " %s ", "A. %s", "%s.[x]", "X_%s", "A.%s\t"} {
			for _, n := range []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]} {
				if path := strings.Replace(form, "%s", n, 1); secretPath(path) != IsSecret(path) {
					t.Errorf("%q: %v by its name, %v by its end", path, secretPath(path), IsSecret(path))
				}
			}
		}
	}
	for _, path := range []string{"Device.IP.Interface.1.Stats.BytesSent", "Device.WiFi.SSID.1.Enable", "InternetGatewayDevice.Time.NTPServer1"} {
		if maybeSecret(path) {
			t.Errorf("%s is looked at closer", path)
		}
	}
}

func BenchmarkIsSecret(b *testing.B) {
	for b.Loop() {
		if IsSecret("InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANIPConnection.1.ExternalIPAddress") {
			b.Fatal("no secret")
		}
	}
}
