package rancher

import (
	"fmt"
	"strings"
	"testing"
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
		if _, _, err := flatten(strings.NewReader(s.String()), "/latest", true); err != nil {
			b.Fatal(err)
		}
	}
}
