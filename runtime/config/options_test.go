package config

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"
)

// Every row of the tables says one thing once, and its field takes what its
// kind gives.
func TestTables(t *testing.T) {
	flags, keys := map[string]bool{}, map[string]bool{}
	for _, o := range Options {
		for _, name := range append([]string{o.Name}, o.Aliases...) {
			if flags[name] {
				t.Errorf("flag %s twice", name)
			}
			flags[name] = true
		}
		for _, k := range o.Keys() {
			if keys[k] {
				t.Errorf("key %s twice", k)
			}
			keys[k] = true
		}
		checkRow(t, o.Name, o.Kind, o.Default, o.Choices, o.Doc)
		if _, ok := fieldOf(o, &Daemon{}).(level); o.field != nil && !ok && !holds(o.field(&Daemon{}), o.Kind) {
			t.Errorf("%s: a %T for %s", o.Name, o.field(&Daemon{}), o.Kind)
		}
		if o.Group == "" || o.Ignored() != (o.Group == groupForeign) {
			t.Errorf("%s is in the wrong group", o.Name)
		}
	}
	for _, f := range slices.Concat(Fields, LimitFields) {
		checkRow(t, f.Name, f.Kind, f.Default, f.Choices, f.Doc)
		if !holds(f.field(&Resource{}), f.Kind) {
			t.Errorf("%s: a %T for %s", f.Name, f.field(&Resource{}), f.Kind)
		}
	}
}

func checkRow(t *testing.T, name string, k Kind, value string, choices []string, doc string) {
	t.Helper()
	if doc == "" || !strings.HasSuffix(doc, ".") {
		t.Errorf("%s: doc %q is no sentence", name, doc)
	}
	if value == "" {
		return
	}
	if _, err := parse(k, value); err != nil {
		t.Errorf("%s: default: %v", name, err)
	}
	if len(choices) > 0 && !slices.Contains(choices, value) {
		t.Errorf("%s: default %q is no choice", name, value)
	}
}

func holds(at any, k Kind) bool {
	switch at.(type) {
	case *string:
		return k == Text
	case *bool:
		return k == Bool
	case *int:
		return k == Number || k == ID
	case *time.Duration:
		return k == Duration || k == Seconds
	case *[]string:
		return k == List
	case *int64:
		return k == Size
	case *fs.FileMode:
		return k == Mode
	case *Command:
		return k == Run
	case *map[string]string:
		return k == Table
	}
	return false
}

// Every flag and key of confd 0.16 and of the fork is known.
func TestConfdNames(t *testing.T) {
	for name := range strings.FieldsSeq(`backend node confdir config-file interval log-level noop onetime prefix sync-only keep-stage-file watch scheme srv-domain
		srv-record client-cert client-key client-ca-keys client-insecure basic-auth username password auth-token auth-type app-id user-id role-id secret-id path
		table separator file filter secret-keyring debug quiet verbose log-format failure-mode check-config preflight validate mock-data resource diff diff-context
		color debounce batch-interval template-cache no-template-cache stat-cache-ttl backend-timeout check-cmd-timeout reload-cmd-timeout dial-timeout read-timeout
		write-timeout retry-max-attempts retry-base-delay retry-max-delay watch-error-backoff preflight-timeout shutdown-timeout systemd-notify watchdog-interval
		metrics-addr n acm-export-private-key secretsmanager-version-stage secretsmanager-no-flatten imds-cache-ttl state-dir`) {
		if _, ok := FindOption(name); !ok {
			t.Errorf("no flag %s", name)
		}
	}
	for name := range strings.FieldsSeq(`backend nodes confdir interval log-level noop OneTime prefix sync-only keepstagefile watch scheme srv_domain srv_record client_cert
		client_key client_cakeys client_insecure basic_auth username password auth_token auth_type app_id user_id role_id secret_id path table separator file filter
		secret_keyring sync_only keep_stage_file failure_mode log-format log_level template_cache stat_cache_ttl dial_timeout read_timeout write_timeout
		retry_max_attempts watch_error_backoff preflight_timeout metrics_addr`) {
		if _, ok := optionOf(name, func(Option) bool { return true }); !ok {
			t.Errorf("no key %s", name)
		}
	}
}

func TestReference(t *testing.T) {
	text := Reference()
	for _, o := range Options {
		if !strings.Contains(text, "| `-"+o.Name+"` |") || !strings.Contains(text, o.Doc) {
			t.Errorf("%s is not in the reference", o.Name)
		}
	}
	for _, f := range slices.Concat(Fields, LimitFields) {
		if !strings.Contains(text, "| `"+f.Name+"` |") {
			t.Errorf("%s is not in the reference", f.Name)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		text string
		want any
	}{
		{Bool, "yes", true}, {Bool, "OFF", false}, {Bool, "1", true}, {Bool, "2", nil},
		{Seconds, "10", 10 * time.Second}, {Seconds, "1m", time.Minute}, {Seconds, "-1", nil},
		{Duration, "1h30m", 90 * time.Minute}, {Duration, "10", nil}, {Duration, "-1s", nil},
		{Number, "3", 3}, {Number, "-3", nil}, {Number, "x", nil},
		{Size, "65536", int64(65536)}, {Size, "8MiB", int64(8 << 20)}, {Size, "8 MB", int64(8 << 20)}, {Size, "1G", int64(1 << 30)}, {Size, "8 apples", nil}, {Size, "", nil}, {Size, "9999999999G", nil},
		{Mode, "0644", fs.FileMode(0o644)}, {Mode, "644", fs.FileMode(0o644)}, {Mode, "0o600", fs.FileMode(0o600)}, {Mode, "0x1ff", fs.FileMode(0o777)},
		{Mode, "488", fs.FileMode(0o750)}, {Mode, "04755", fs.FileMode(0o755)}, {Mode, "rw-r--r--", nil}, {Mode, "0999", nil}, {Mode, "-1", nil},
	} {
		if got, _ := parse(c.kind, c.text); got != c.want {
			t.Errorf("%s %q: %v, want %v", c.kind, c.text, got, c.want)
		}
	}
	for text, want := range map[string]string{
		"0644": "", "0x1ff": "", "644": `mode "644" is taken as octal; confd takes it as decimal`,
		"488": `mode "488" is decimal, octal 0750`, "04755": `mode "04755": only the permission bits 0755 count`, "x": "",
	} {
		if got := modeWarning(text); got != want {
			t.Errorf("mode %q: %q, want %q", text, got, want)
		}
	}
}
