package rancher

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/wconf/wconf/runtime/backend"
	"github.com/wconf/wconf/runtime/cache"
)

// BenchmarkFlatten reads 1,000 services of 10 containers each, as /latest
// shows them.
func BenchmarkFlatten(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"services":[`)
	for i := range 1000 {
		if i > 0 {
			s.WriteByte(',')
		}
		fmt.Fprintf(&s, `{"create_index":%d,"containers":[`, i)
		for j := range 10 {
			if j > 0 {
				s.WriteByte(',')
			}
			fmt.Fprintf(&s, `{"create_index":%d,"dns":[],"health_state":"healthy","host_uuid":"%036d","hostname":null,"ips":["10.42.%d.%d"],`+
				`"labels":{"app.label.0":"value-%d-0","io.rancher.container.name":"service-%05d-%d"},"name":"stack-service-%05d-%d",`+
				`"ports":["192.168.10.11:80:80/tcp"],"primary_ip":"10.42.%d.%d","start_count":1,"state":"running","system":false,"uuid":"%036d"}`,
				j, i%10, i/250, j, i, i, j, i, j, i/250, j, i*10+j)
		}
		fmt.Fprintf(&s, `],"name":"service-%05d","scale":10}`, i)
	}
	s.WriteString(`]}`)
	b.SetBytes(int64(s.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := flatten(strings.NewReader(s.String()), "/latest", true, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// world is /latest with so many containers. They have the members that a real
// server gives them, or a few, as in runtime/bench. What changes is the stamp.
func world(containers int, full bool) []byte {
	var s bytes.Buffer
	s.WriteString(`{"containers":[`)
	for i := range containers {
		if i > 0 {
			s.WriteByte(',')
		}
		if !full {
			fmt.Fprintf(&s, `{"create_index":%d,"health_state":"healthy","labels":{"io.rancher.stack.name":"web","zone":"a"},"name":"service-%d","primary_ip":"10.0.%d.%d","uuid":"00000000-0000-4000-8000-%012d"}`,
				i, i, i>>8, i&255, i)
			continue
		}
		fmt.Fprintf(&s, `{"create_index":%[1]d,"dns":["169.254.169.250"],"dns_search":["test.rancher.internal","rancher.internal"],`+
			`"environment_uuid":"dd4ac0fc-3a2d-5cf5-a787-359f6e0a71a9","external_id":"%064[1]d","health_check":null,"health_check_hosts":[],`+
			`"health_state":"healthy","host_uuid":"b558bf76-7759-5239-bcfa-363eff551bc8","hostname":"test-web-%[1]d","ips":["10.42.%[2]d.%[3]d"],`+
			`"labels":{"io.rancher.container.ip":"10.42.%[2]d.%[3]d/16","io.rancher.container.name":"test-web-%[1]d","io.rancher.project.name":"test",`+
			`"io.rancher.project_service.name":"test/web","io.rancher.service.deployment.unit":"00000000-0000-4000-8000-%012[1]d",`+
			`"io.rancher.service.launch.config":"io.rancher.service.primary.launch.config","io.rancher.stack.name":"test","io.rancher.stack_service.name":"test/web"},`+
			`"links":null,"memory_reservation":null,"metadata_kind":"container","milli_cpu_reservation":null,"name":"test-web-%[1]d",`+
			`"network_from_container_uuid":null,"network_uuid":"cef2d237-955e-514d-b8ce-206214dfe557","ports":[],"primary_ip":"10.42.%[2]d.%[3]d",`+
			`"primary_mac_address":"02:7d:35:4c:53:9d","service_index":"%[1]d","service_name":"web","service_uuid":"11fe2e01-751a-564d-97f5-7b9f368ccdb1",`+
			`"stack_name":"test","stack_uuid":"be1070dc-1c27-56ac-be59-97aba92af013","start_count":1,"state":"running","system":false,"uuid":"00000000-0000-4000-8000-%012[1]d"}`,
			i, i>>8, i&255)
	}
	s.WriteString(`],"stamp":"stamp 0000000000"}`)
	return s.Bytes()
}

// BenchmarkChange is one change of a value, from the answer of the long poll to
// the snapshot that holds it.
func BenchmarkChange(b *testing.B) {
	for _, size := range []struct {
		containers int
		full       bool
	}{{20, true}, {5_000, true}, {5_000, false}} {
		b.Run(fmt.Sprintf("containers=%d/full=%v", size.containers, size.full), func(b *testing.B) { benchmarkChange(b, world(size.containers, size.full)) })
	}
}

func benchmarkChange(b *testing.B, document []byte) {
	var version atomic.Int64
	changed := make(chan struct{})
	digits := document[bytes.LastIndex(document, []byte("0000000000")):][:10]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/latest/version" {
			w.Header().Set("Content-Length", strconv.Itoa(len(document)))
			w.Write(document)
			return
		}
		if r.FormValue("wait") == "true" {
			select {
			case <-changed:
				copy(digits, fmt.Sprintf("%010d", version.Add(1)))
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprint(w, version.Load())
	}))
	defer server.Close()
	store, err := Factory.Open(backend.Config{Nodes: []string{server.URL}, NullAsText: true})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	prefixes := []string{"/latest"}
	l, err := store.List(b.Context(), prefixes)
	if err != nil {
		b.Fatal(err)
	}
	kept := cache.New(store, cache.Options{})
	kept.Apply(backend.Batch{Full: true, Puts: l.Pairs, Cursor: l.Cursor})
	ctx, stop := context.WithCancel(b.Context())
	out, ended := make(chan backend.Batch), make(chan error, 1)
	go func() { ended <- store.Watch(ctx, prefixes, l.Cursor, out) }()
	b.SetBytes(int64(len(document)))
	b.ReportAllocs()
	for b.Loop() {
		changed <- struct{}{}
		kept.Apply(<-out)
		want := fmt.Sprintf("stamp %010d", version.Load())
		if got, _ := kept.Snapshot().Get("/latest/stamp"); got != want {
			b.Fatalf("the snapshot has %q, want %q", got, want)
		}
	}
	stop()
	<-ended
}

// BenchmarkFollow reads 5,000 containers after an answer in which one was
// another one, in the same order or in none, as some servers send them.
func BenchmarkFollow(b *testing.B) {
	for _, shuffled := range []bool{false, true} {
		b.Run(fmt.Sprintf("shuffled=%v", shuffled), func(b *testing.B) {
			var documents []*document
			texts := make([][]byte, 2)
			for i := range texts {
				texts[i] = bytes.Replace(world(5_000, false), []byte(`"primary_ip":"10.0.9.9"`), fmt.Appendf(nil, `"primary_ip":"10.0.8.%d"`, i), 1)
				if shuffled {
					head, rest, _ := bytes.Cut(texts[i], []byte(`[{`))
					list, tail, _ := bytes.Cut(rest, []byte(`}]`))
					elements := bytes.Split(list, []byte(`},{`))
					rand.Shuffle(len(elements), func(i, j int) { elements[i], elements[j] = elements[j], elements[i] })
					texts[i] = slices.Concat(head, []byte(`[{`), bytes.Join(elements, []byte(`},{`)), []byte(`}]`), tail)
				}
				d, _, err := flatten(bytes.NewReader(texts[i]), "/latest", true, nil)
				if err != nil {
					b.Fatal(err)
				}
				documents = append(documents, d)
			}
			b.SetBytes(int64(len(texts[0])))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, c, err := flatten(bytes.NewReader(texts[i%2]), "/latest", true, documents[1-i%2])
				if err != nil || len(c.puts) != 1 || len(c.deletes) > 0 {
					b.Fatalf("%d puts, %d deletes, %v", len(c.puts), len(c.deletes), err)
				}
			}
		})
	}
}
