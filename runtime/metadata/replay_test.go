package metadata_test

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wconf/wconf/runtime/metadata"
)

// exchange is one request to rancher-metadata and its answer, as recorded from
// the real servers (v0.7.4 and v0.10.4). Body and headers are compared byte
// for byte.
type exchange struct {
	Version  string            `json:"version"` // of the recorded server
	Answers  string            `json:"answers"`
	Flags    string            `json:"flags"`
	Client   string            `json:"client_ip"`
	Method   string            `json:"method"`
	Path     string            `json:"path"`
	Headers  map[string]string `json:"headers"`
	Status   int               `json:"status"`
	Type     string            `json:"content_type"`
	Location string            `json:"location"`
	CORS     string            `json:"cors"`
	Length   *string           `json:"content_length"`
	Transfer string            `json:"transfer_encoding"`
	Body     string            `json:"body"`
}

// TestReplay replays the recordings in testdata, and those that
// WCONF_METADATA_REPLAY names: a file of recordings, with its answers files
// beside it.
func TestReplay(t *testing.T) {
	replayFile(t, "testdata/recorded.jsonl")
	if path := os.Getenv("WCONF_METADATA_REPLAY"); path != "" {
		replayFile(t, path)
	}
}

func replayFile(t *testing.T, path string) {
	servers := map[string]string{}
	counts := map[string]int{}
	for _, want := range readExchanges(t, path) {
		address := servers[want.Answers+want.Flags]
		if address == "" {
			address = serveFile(t, filepath.Join(filepath.Dir(path), filepath.Base(want.Answers)), want.Flags == "--xff")
			servers[want.Answers+want.Flags] = address
		}
		verdict := compare(want, send(t, address, want))
		counts[verdict]++
		if strings.HasPrefix(verdict, "differs") {
			t.Errorf("%s %s %v as %s: %s", want.Method, want.Path, want.Headers, want.Client, verdict)
		}
	}
	for verdict, n := range counts {
		t.Logf("%s: %5d %s", filepath.Base(path), n, verdict)
	}
	if len(counts) == 0 {
		t.Fatalf("%s holds no recordings", path)
	}
}

func readExchanges(t *testing.T, path string) (all []exchange) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(text) {
		var e exchange
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func serveFile(t *testing.T, path string, xff bool) (address string) {
	t.Helper()
	if strings.HasSuffix(path, ".objects.jsonl") {
		path = pack(t, path)
	}
	s := metadata.New(metadata.Options{Answers: path, XFF: xff})
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// pack makes a delta file of its objects, as Rancher 1.6 does.
func pack(t testing.TB, objects string) (path string) {
	t.Helper()
	text, err := os.ReadFile(objects)
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "answers.json")
	if err := os.WriteFile(path, delta(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// delta is the text of a delta file.
func delta(objects []byte) []byte {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression)
	w.Write(objects)
	w.Close()
	text, _ := json.Marshal(struct {
		Version string
		Data    []byte
	}{"1", packed.Bytes()})
	return text
}

// send writes the request itself: a client of net/http would clean the path.
func send(t *testing.T, address string, e exchange) exchange {
	t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(cmp.Or(e.Client, "127.0.0.1"))}}
	conn, err := from.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: metadata\r\n", e.Method, e.Path)
	for name, value := range e.Headers {
		fmt.Fprintf(conn, "%s: %s\r\n", name, value)
	}
	fmt.Fprint(conn, "\r\n")
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: e.Method})
	if err != nil {
		t.Fatalf("%s %s: %v", e.Method, e.Path, err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := exchange{
		Status: r.StatusCode, Type: r.Header.Get("Content-Type"), Location: r.Header.Get("Location"),
		CORS: r.Header.Get("Access-Control-Allow-Origin"), Transfer: strings.Join(r.TransferEncoding, ","), Body: string(body),
	}
	if length := r.Header.Get("Content-Length"); length != "" {
		got.Length = &length
	}
	return got
}

// compare says how far an answer is the recorded one. What rancher-metadata
// v0.10 leaves to chance counts as the same: the order of lists, the version,
// and who sees a service's token.
func compare(want, got exchange) string {
	if want.Status == 0 {
		if got.Status == http.StatusOK || got.Status == http.StatusNotFound {
			return "exception: the recorded server died"
		}
		return fmt.Sprintf("differs: the recorded server died, got %d", got.Status)
	}
	if head(want) == head(got) && want.Body == got.Body && length(want) == length(got) {
		return "byte for byte"
	}
	if strings.HasSuffix(want.Path, "/token") && want.Version == "v0.10.4" {
		return "exception: a service's token, seen by a random container"
	}
	if head(want) != head(got) {
		return fmt.Sprintf("differs: want %s, got %s", head(want), head(got))
	}
	if want.Version != "v0.10.4" {
		return fmt.Sprintf("differs: want %q, got %q", want.Body, got.Body)
	}
	if unstable.MatchString(want.Path) {
		return "exception: an index or double name, of random order in the recorded server"
	}
	if uuid4.ReplaceAllString(want.Body, "") == uuid4.ReplaceAllString(got.Body, "") {
		return "byte for byte but for the random version"
	}
	w, g := settle(want.Body), settle(got.Body)
	if w == g {
		return "same but for random order or token"
	}
	return fmt.Sprintf("differs: want %s, got %s", w, g)
}

func head(e exchange) string {
	return fmt.Sprintf("%d type %q location %q cors %q", e.Status, e.Type, e.Location, e.CORS)
}

func length(e exchange) string {
	if e.Length == nil {
		return e.Transfer
	}
	return *e.Length
}

var (
	unstable  = regexp.MustCompile(`^/[^/]+/((self/stack/)?services|stacks|containers|hosts)/([0-9]|nginx)|/stacks/[^/]+/services/[0-9]`)
	uuid4     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	listIndex = regexp.MustCompile(`(?m)^[0-9]+([=/]|$)`)
)

// settle takes chance out of a body.
func settle(body string) string {
	body = uuid4.ReplaceAllString(body, "UUID")
	var tree any
	if json.Unmarshal([]byte(body), &tree) == nil {
		sorted, _ := json.Marshal(settleTree(tree))
		return string(sorted)
	}
	lines := strings.SplitAfter(listIndex.ReplaceAllString(body, "$1"), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func settleTree(node any) any {
	switch n := node.(type) {
	case map[string]any:
		delete(n, "token")
		for key := range n {
			n[key] = settleTree(n[key])
		}
	case []any:
		for i := range n {
			n[i] = settleTree(n[i])
		}
		slices.SortFunc(n, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
	return node
}
