package metadata_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wconf/wconf/runtime/metadata"
)

// largeAnswers are 2.5 MB of containers, as YAML or as JSON.
func largeAnswers(asJSON bool) []byte {
	var b bytes.Buffer
	begin, item, between, end := "latest:\n  default:\n    version: '1'\n    containers:\n", "    - name: %s\n      uuid: %s\n      primary_ip: %s\n      labels: {io.rancher.stack.name: %s, zone: a}\n      create_index: %d\n      health_state: healthy\n      ports: []\n", "", ""
	if asJSON {
		begin, end, between = `{"latest": {"default": {"version": "1", "containers": [`, "]}}}", ","
		item = `{"name": "%s", "uuid": "%s", "primary_ip": "%s", "labels": {"io.rancher.stack.name": "%s", "zone": "a"}, "create_index": %d, "health_state": "healthy", "ports": []}`
	}
	b.WriteString(begin)
	for i := 0; b.Len() < 2_500_000; i++ {
		if i > 0 {
			b.WriteString(between)
		}
		fmt.Fprintf(&b, item, fmt.Sprintf("stack-service-%d", i), fmt.Sprintf("00000000-0000-4000-8000-%012d", i), fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), fmt.Sprintf("stack-%d", i/100), i)
	}
	b.WriteString(end)
	return b.Bytes()
}

// largeDelta is a delta file of 2.5 MB of objects.
func largeDelta() []byte {
	var b bytes.Buffer
	b.WriteString(`{"metadata_kind":"stack","uuid":"st","name":"Stack"}`)
	for i := 0; b.Len() < 2_500_000; i++ {
		if i%20 == 0 {
			fmt.Fprintf(&b, `{"metadata_kind":"service","uuid":"s%d","name":"Service-%d","stack_uuid":"st","stack_name":"Stack","sidekicks":[],"metadata":{"conf":"a=%d"}}`, i/20, i/20, i)
		}
		fmt.Fprintf(&b, `{"metadata_kind":"container","uuid":"c%d","name":"Stack-Service-%d","primary_ip":"10.%d.%d.%d","ports":["80:80/tcp"],"labels":{"io.rancher.stack.name":"Stack","zone":"a"},"health_state":"healthy"}`, i, i, i>>16, i>>8&255, i&255)
		fmt.Fprintf(&b, `{"metadata_kind":"serviceContainerLink","service_uuid":"s%d","service_name":"Service-%d","container_uuid":"c%d"}`, i/20, i/20, i)
	}
	return delta(b.Bytes())
}

func BenchmarkReload(b *testing.B) {
	for name, text := range map[string][]byte{"yaml": largeAnswers(false), "json": largeAnswers(true), "delta": largeDelta()} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "answers")
			if err := os.WriteFile(path, text, 0o600); err != nil {
				b.Fatal(err)
			}
			s := metadata.New(metadata.Options{Answers: path})
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Reload(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkGet asks over loopback TCP; the handler alone is Get/handler.
func BenchmarkGet(b *testing.B) {
	s := metadata.New(metadata.Options{Answers: "testdata/galera.yml"})
	if err := s.Reload(); err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	const target = "/latest/services/galera/containers/DB-galera-2/primary_ip"
	b.Run("tcp", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r, err := server.Client().Get(server.URL + target)
				if err != nil {
					b.Error(err)
					return
				}
				io.Copy(io.Discard, r.Body)
				r.Body.Close()
			}
		})
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
	})
	b.Run("handler", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if status, _ := ask(s.Handler(), target); status != http.StatusOK {
				b.Fatal(status)
			}
		}
	})
}

// BenchmarkWake is one reload that answers a number of long polls: the time
// from the call of Reload to the last answer, over loopback TCP.
func BenchmarkWake(b *testing.B) {
	for _, polls := range []int{1, 1000} {
		b.Run(fmt.Sprint(polls), func(b *testing.B) { benchmarkWake(b, polls) })
	}
}

func benchmarkWake(b *testing.B, polls int) {
	file := newAnswers(b, versioned("0"))
	s, h := file.handler()
	waiting := make(chan struct{}, polls)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		waiting <- struct{}{}
		h.ServeHTTP(w, r)
	}))
	defer server.Close()
	server.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = polls
	var woken, memory time.Duration
	for n := range b.N {
		before := inUse()
		var all sync.WaitGroup
		for range polls {
			all.Go(func() {
				r, err := server.Client().Get(fmt.Sprintf("%s/latest/version?wait=true&value=%d", server.URL, n))
				if err != nil {
					b.Error(err)
					return
				}
				body, _ := io.ReadAll(r.Body)
				r.Body.Close()
				if want := fmt.Sprint(n + 1); !strings.HasPrefix(string(body), want) {
					b.Errorf("woken with %s, want %s", body, want)
				}
			})
		}
		for range polls {
			<-waiting
		}
		if n == 0 {
			memory = time.Duration(inUse() - before)
		}
		file.write(versioned(fmt.Sprint(n + 1)))
		start := time.Now()
		if err := s.Reload(); err != nil {
			b.Fatal(err)
		}
		all.Wait()
		woken += time.Since(start)
	}
	b.ReportMetric(float64(woken.Microseconds())/float64(b.N)/1000, "ms/wake")
	b.ReportMetric(float64(memory)/float64(polls)/1024, "KiB/poll")
}

// inUse is memory that the process holds, stacks included. The polls' clients
// live in the same process, and count.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
