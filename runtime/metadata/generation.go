package metadata

import (
	"crypto/rand"
	"fmt"
	"maps"
	"strings"
)

// The versions of the trees that are computed from a delta file.
const (
	version2015a = "2015-07-25" // lists of a service's containers and a stack's services hold names
	version2015b = "2015-12-19" // they hold the objects
	version2016  = "2016-07-29" // and names are in lower case
)

// answers are the trees of all versions; id is the value of their key version.
func (inv *inventory) answers(id string) answers {
	newest := inv.view(version2016)
	a := answers{version2016: newest.clients(id, newest)}
	for _, version := range []string{version2015a, version2015b} {
		a[version] = inv.view(version).clients(id, newest)
	}
	a[latestVersion] = a[version2016]
	return a
}

// view is the inventory as one version shows it. Its objects refer to each
// other, so they are filled in place.
type view struct {
	*inventory
	version                             string
	containers, services, stacks, hosts table
}

func (inv *inventory) view(version string) *view {
	v := &view{
		inventory: inv, version: version,
		containers: inv.containers.clone(), services: inv.services.clone(),
		stacks: inv.stacks.clone(), hosts: inv.hosts.clone(),
	}
	for _, c := range v.containers.by {
		v.fillContainer(c)
	}
	inStack := map[string][]string{}
	for _, id := range v.services.ids {
		s := v.services.by[id]
		v.fillService(id, s)
		stack := s["stack_uuid"].(string)
		inStack[stack] = append(inStack[stack], id)
	}
	for uuid, s := range v.stacks.by {
		v.lower(s, "name")
		s["services"] = v.list(v.services, inStack[uuid])
	}
	if version == version2016 {
		for _, h := range v.hosts.by {
			delete(h, "hostId")
		}
	}
	return v
}

func (t table) clone() table {
	by := make(map[string]object, len(t.by))
	for id, o := range t.by {
		by[id] = maps.Clone(o)
	}
	return table{ids: t.ids, by: by}
}

func (v *view) fillContainer(c object) {
	v.lower(c, "name", "service_name", "stack_name")
	v.fillPorts(c)
	c["links"] = v.containerLink[c["uuid"].(string)] // a nil map where there are none
	delete(c, "host_ip")                             // was only there for the ports
}

// fillPorts gives each port an address: that of the host, or 0.0.0.0 from 2016
// on. No ports are an empty list before 2016, and null since.
func (v *view) fillPorts(c object) {
	value, has := c["ports"]
	ports, _ := value.([]any)
	if !has || len(ports) == 0 && v.version != version2016 {
		return
	}
	address := "0.0.0.0"
	if host, _ := c["host_ip"].(string); host != "" && v.version != version2016 {
		address = host
	}
	var filled []any
	for _, p := range ports {
		if text, isText := p.(string); isText {
			p = addressedPort(text, address)
		}
		filled = append(filled, p)
	}
	c["ports"] = filled
}

// addressedPort puts an address before a port that has none, or 0.0.0.0.
func addressedPort(port, address string) string {
	if strings.Count(port, ":") != 2 {
		return address + ":" + port
	}
	if rest, any := strings.CutPrefix(port, "0.0.0.0:"); any {
		return address + ":" + rest
	}
	return port
}

// fillService completes a service, and tells its containers about it.
func (v *view) fillService(id string, s object) {
	links := v.serviceLinks[s["uuid"].(string)] // a nil map where there are none
	s["links"] = links
	if v.version == version2016 {
		v.lower(s, "name", "stack_name", "primary_service_name")
		s["links"] = lowerKeys(links)
		if sidekicks, ok := s["sidekicks"].([]any); ok {
			s["sidekicks"] = lowerTexts(sidekicks)
		}
	}
	s["containers"] = v.list(v.containers, v.members[id])
	for _, uuid := range v.members[id] {
		if c := v.containers.by[uuid]; c != nil {
			c["service_name"], c["service_uuid"] = s["name"], s["uuid"]
			c["stack_name"], c["stack_uuid"] = s["stack_name"], s["stack_uuid"]
		}
	}
}

// list holds the objects with the ids, or their names in the oldest version. It
// is nil, not empty, where there are none.
func (v *view) list(from table, ids []string) (list []any) {
	for _, id := range ids {
		switch o := from.by[id]; {
		case o == nil:
		case v.version == version2015a:
			list = append(list, o["name"])
		default:
			list = append(list, o)
		}
	}
	return list
}

// lower puts members into lower case in the version that does so.
func (v *view) lower(o object, keys ...string) {
	if v.version != version2016 {
		return
	}
	for _, key := range keys {
		if text, ok := o[key].(string); ok {
			o[key] = strings.ToLower(text)
		}
	}
}

// lowerTexts is nil for an empty list.
func lowerTexts(list []any) (lowered []any) {
	for _, e := range list {
		if text, ok := e.(string); ok {
			e = strings.ToLower(text)
		}
		lowered = append(lowered, e)
	}
	return lowered
}

func lowerKeys(m object) object {
	lowered := make(object, len(m))
	for key, value := range m {
		lowered[strings.ToLower(key)] = value
	}
	return lowered
}

// serviceID tells a service from its sidekicks, which share its uuid.
func serviceID(uuid, name string) string { return strings.ToLower(uuid + "_" + name) }

// newUUID is a random UUID of version 4.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
