package testrun

import (
	"time"

	"github.com/wconf/wconf/runtime/formats"
)

// File is a *_test.toml. Keys that the file itself writes (`fixture.keys`,
// `set`, `delete`, `keys_read`, `changed`) are as a template sees them, below
// the prefix; the data files of a fixture hold the store as it is.
type File struct {
	Format    int            `toml:"format"`
	Name      string         `toml:"name"`
	Resource  string         `toml:"resource"` // relative to the file; or
	Template  map[string]any `toml:"template"` // a resource in place
	Backend   map[string]any `toml:"backend"`  // and its store
	Tags      []string       `toml:"tags"`
	Clock     time.Time      `toml:"clock"`
	Timeout   time.Duration  `toml:"timeout"`   // of real time, for each case
	Unchecked []string       `toml:"unchecked"` // names of freeChecks
	Fixture   Fixture        `toml:"fixture"`
	Cases     []Case         `toml:"case"`

	path string
	doc  *formats.Doc
}

// Fixture is the world before each case. Paths are relative to the file.
type Fixture struct {
	Prefix  string            `toml:"prefix"`  // the daemon's -prefix
	Rancher string            `toml:"rancher"` // an answers file of rancher-metadata
	Host    string            `toml:"host"`    // the client whose "self" it gives
	Etcd    string            `toml:"etcd"`    // what `etcdctl get --prefix / -w json` printed
	YAML    []string          `toml:"yaml"`    // the later ones win
	JSON    []string          `toml:"json"`
	Keys    map[string]string `toml:"keys"` // the last word
	Env     map[string]string `toml:"env"`
	Labels  map[string]string `toml:"labels"`
	Files   map[string]string `toml:"files"` // path → the file with its content
}

// Case is one [[case]]. Without steps it is the one step `start`.
type Case struct {
	Name      string              `toml:"name"`
	Tags      []string            `toml:"tags"`
	Skip      string              `toml:"skip"` // why
	SkipUntil time.Time           `toml:"skip_until"`
	Only      bool                `toml:"only"`
	Matrix    map[string][]string `toml:"matrix"`
	Set       map[string]string   `toml:"set"`
	Delete    []string            `toml:"delete"`
	Stub      Stubs               `toml:"stub"`
	Run       []string            `toml:"run"` // commands that are real
	Steps     []Step              `toml:"step"`
	Expect    *Expect             `toml:"expect"`
}

// Step is one [[case.step]].
type Step struct {
	Do     string            `toml:"do"`
	After  time.Duration     `toml:"after"`
	Set    map[string]string `toml:"set"`
	Delete []string          `toml:"delete"`
	Text   *string           `toml:"text"` // of edit-dest and template-edit
	Stub   Stubs             `toml:"stub"`
	Expect *Expect           `toml:"expect"`
}

// Stubs say how commands end, from then on.
type Stubs struct {
	Check  *Stub `toml:"check_cmd"`
	Reload *Stub `toml:"reload_cmd"`
}

// Stub is how a command ends that is not run.
type Stub struct {
	Exit   int           `toml:"exit"`
	Stdout string        `toml:"stdout"`
	Stderr string        `toml:"stderr"`
	Delay  time.Duration `toml:"delay"` // of virtual time
	Times  int           `toml:"times"` // then it succeeds; 0: always
}

// Expect is what must be so at the end of a step.
type Expect struct {
	// What was rendered.
	Golden      string            `toml:"golden"`
	Text        *string           `toml:"text"`
	Contains    []string          `toml:"contains"`
	NotContains []string          `toml:"not_contains"`
	Regex       []string          `toml:"regex"`
	NotRegex    []string          `toml:"not_regex"`
	Line        map[string]string `toml:"line"` // number → text; negative numbers count from the end
	Count       map[string]int    `toml:"count"`
	Empty       *bool             `toml:"empty"`

	// The destination, and what the step changed there.
	Mode      string     `toml:"mode"`
	Rendered  *bool      `toml:"rendered"`
	Written   *bool      `toml:"written"`
	Diff      string     `toml:"diff"` // a golden
	DiffLines *DiffLines `toml:"diff_lines"`
	Drift     *bool      `toml:"drift"`

	// What was decided about the reload.
	Reload       string          `toml:"reload"`
	Wake         *time.Duration  `toml:"wake"` // from the end of the step
	Leaf         map[string]bool `toml:"leaf"`
	ReloadsTotal *int            `toml:"reloads_total"`

	Changed  []string     `toml:"changed"`
	KeysRead []string     `toml:"keys_read"`
	Status   string       `toml:"status"`
	Log      []string     `toml:"log"`
	Check    *int         `toml:"check"` // exit status
	Error    *ExpectError `toml:"error"`
	Guest    *ExpectGuest `toml:"guest"`
}

// DiffLines counts the lines of a diff.
type DiffLines struct {
	Added   *int `toml:"added"`
	Removed *int `toml:"removed"`
}

// ExpectError is an error that must stand at the end of a step.
type ExpectError struct {
	Code  string `toml:"code"`
	Match string `toml:"match"` // in its text
	At    string `toml:"at"`    // file:line:col, or the end of it
}

// ExpectGuest is what guests may have used in a step.
type ExpectGuest struct {
	FuelMax       *uint64           `toml:"fuel_max"`
	HostCalls     map[string]uint64 `toml:"host_calls"`
	Denied        []string          `toml:"denied"`
	Log           []string          `toml:"log"`
	MemoryMax     string            `toml:"memory_max"`
	TimeMax       *time.Duration    `toml:"time_max"`
	Deterministic int               `toml:"deterministic"` // renders that must be the same
}
