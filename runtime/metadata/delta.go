package metadata

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
)

// object is one object of a delta file: a container, a service, a link ...
type object = map[string]any

// largestDelta bounds what a delta file may unpack to: a hundred times the
// metadata of 10,000 containers.
const largestDelta = 1 << 30

// parseDelta computes the answers of all versions from the member Data of a
// delta file: the base64 of raw deflate of JSON objects, one behind the other.
func parseDelta(path, data string) (answers, error) {
	packed, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		return nil, unusable(path, "Data is not base64: "+err.Error(), "")
	}
	unpacked := &io.LimitedReader{R: flate.NewReader(bytes.NewReader(packed)), N: largestDelta}
	inv, err := readInventory(unpacked)
	if unpacked.N == 0 {
		err = fmt.Errorf("more than %d bytes", largestDelta)
	}
	if err != nil {
		return nil, unusable(path, "Data cannot be used: "+err.Error(), "")
	}
	return inv.answers(newUUID()), nil
}

// inventory is what a delta file tells, in its order. Its objects are never
// changed; each version makes its own from them.
type inventory struct {
	defaults, environment       object
	networks                    []any
	containers, services        table
	stacks, hosts               table
	members                     map[string][]string // ids of services → uuids of containers
	serviceLinks, containerLink map[string]object   // by uuid
}

// table holds objects by id, in the order in which the ids came first.
type table struct {
	ids []string
	by  map[string]object
}

func (t *table) put(id string, o object) {
	if _, has := t.by[id]; !has {
		t.ids = append(t.ids, id)
	}
	if t.by == nil {
		t.by = map[string]object{}
	}
	t.by[id] = o
}

func readInventory(r io.Reader) (*inventory, error) {
	inv := &inventory{
		networks: []any{}, members: map[string][]string{},
		serviceLinks: map[string]object{}, containerLink: map[string]object{},
	}
	d := json.NewDecoder(r)
	d.UseNumber()
	for i := 1; ; i++ {
		var o object
		switch err := d.Decode(&o); {
		case err == io.EOF:
			return inv, nil
		case err != nil:
			return nil, fmt.Errorf("object %d: %w", i, err)
		}
		exactNumbers(o)
		if err := inv.add(o); err != nil {
			return nil, fmt.Errorf("object %d: %w", i, err)
		}
	}
}

// add takes an object; kinds that mean nothing to the answers are left out.
func (inv *inventory) add(o object) error {
	kind, _ := o["metadata_kind"].(string)
	r := &reader{kind: kind, object: o}
	switch kind {
	case "defaultData":
		inv.defaults = o
	case "environment":
		inv.environment = o
	case "network":
		inv.networks = append(inv.networks, o)
	case "host":
		inv.hosts.put(r.text("uuid"), o)
	case "stack":
		inv.stacks.put(r.text("uuid"), o)
	case "service":
		inv.services.put(serviceID(r.text("uuid"), r.text("name")), o)
		r.text("stack_uuid")
	case "container":
		inv.containers.put(r.text("uuid"), o)
	case "serviceContainerLink":
		id := serviceID(r.text("service_uuid"), r.text("service_name"))
		inv.members[id] = append(inv.members[id], r.text("container_uuid"))
	case "serviceLink":
		link(inv.serviceLinks, r.text("service_uuid"), r)
	case "containerLink":
		link(inv.containerLink, r.text("container_uuid"), r)
	}
	return r.err
}

func link(links map[string]object, from string, r *reader) {
	if links[from] == nil {
		links[from] = object{}
	}
	links[from][r.text("key")] = r.text("value")
}

// reader reads the members that an object must have.
type reader struct {
	kind   string
	object object
	err    error
}

func (r *reader) text(key string) string {
	s, ok := r.object[key].(string)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("a %s without %s", r.kind, key)
	}
	return s
}
