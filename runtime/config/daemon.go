package config

import (
	"reflect"
	"strings"
	"time"
)

// Daemon is what the daemon runs with: every option, resolved.
type Daemon struct {
	Confdir    string
	ConfigFile string
	Interval   time.Duration
	Onetime    bool
	Watch      bool
	Noop       bool
	SyncOnly   bool
	Prefix     string
	JoinPrefix bool
	Strict     bool
	FSync      bool

	KeepStageFile   bool
	StateDir        string
	CacheFile       string
	FailureMode     string // "best-effort" or "fail-fast"
	Debounce        time.Duration
	BatchInterval   time.Duration
	ShutdownTimeout time.Duration

	CheckCmdTimeout  time.Duration
	ReloadCmdTimeout time.Duration

	LogLevel  string
	LogFormat string

	MetricsAddr      string
	SystemdNotify    bool
	WatchdogInterval time.Duration

	SecretKeyring string

	CheckConfig      bool
	Validate         bool
	Preflight        bool
	PreflightTimeout time.Duration
	MockData         string
	Resource         string
	Diff             bool
	DiffContext      int
	Color            string

	Store Store
}

// Store is where keys come from: the daemon's, or a resource's own [backend].
type Store struct {
	Backend string
	Nodes   []string
	Files   []string
	Filter  string
	Command []string

	Scheme         string
	SRVDomain      string
	SRVRecord      string
	ClientCert     string
	ClientKey      string
	ClientCAKeys   string
	ClientInsecure bool
	ServerName     string
	BasicAuth      bool
	Username       string
	Password       string

	Identity   string // rancher: the client whose "self" is wanted
	BareKeys   bool
	NullAsText bool
	Missing    string // "absent" or "error"

	Timeout     time.Duration
	DialTimeout time.Duration
}

// WithPeers is the store with the nodes of ETCDCTL_PEERS, a comma list, where
// it is an etcd without nodes of its own.
func (s Store) WithPeers(peers string) Store {
	if peers != "" && len(s.Nodes) == 0 && strings.HasPrefix(s.Backend, "etcd") {
		s.Nodes = split(peers)
	}
	return s
}

// Equal tells whether two stores can share one connection.
func (s Store) Equal(o Store) bool { return reflect.DeepEqual(s, o) }

func split(list string) []string {
	var all []string
	for s := range strings.SplitSeq(list, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}
