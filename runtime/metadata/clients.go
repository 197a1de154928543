package metadata

import "maps"

// clients are the trees of the view: the default one, and one for each
// container with an address. The newest view is that of the version 2016-07-29.
func (v *view) clients(id string, newest *view) map[string]any {
	defaults := v.defaultTree(id, newest)
	clients := map[string]any{defaultClient: defaults}
	served := map[string]bool{}
	for _, uuid := range v.containers.ids {
		c := v.containers.by[uuid]
		if address, ok := c["primary_ip"].(string); ok {
			clients[address] = fill(object{"self": v.self(c)}, defaults)
			served[containerService(c)] = true
		}
	}
	for id := range served { // only `self` shows a token, unless nobody could be its self
		if s := v.services.by[id]; s != nil {
			s["token"] = nil
		}
	}
	return clients
}

func (v *view) defaultTree(id string, newest *view) object {
	tree := object{
		"containers": v.containers.list(),
		"stacks":     v.stacks.list(),
		"services":   v.services.list(),
		"hosts":      v.hosts.list(),
		"networks":   v.networks,
	}
	if self, ok := v.defaults["self"].(object); ok {
		tree["self"] = newest.defaultSelf(self)
	}
	for key, value := range v.environment {
		if key != "metadata_kind" {
			tree[key] = value
		}
	}
	if v.version == version2016 {
		tree["environments"] = []any(nil) // those of other servers, which only Rancher itself connects
	}
	tree["version"] = id
	return tree
}

// defaultSelf puts the whole host in the place of its uuid. All versions show
// the host of the newest: the old server shares this object between them.
func (v *view) defaultSelf(self object) object {
	host, _ := self["host"].(object)
	uuid, known := host["uuid"].(string)
	if !known {
		return self
	}
	self = maps.Clone(self)
	self["host"] = v.hosts.by[uuid]
	return self
}

// self is what a container sees of itself. Without a service it has neither
// service nor stack.
func (v *view) self(c object) object {
	self := object{"container": c}
	if stack, ok := c["stack_uuid"].(string); ok {
		self["stack"] = v.stacks.by[stack]
		service := maps.Clone(v.services.by[containerService(c)]) // keeps the token
		if service == nil {
			service = object{}
		}
		self["service"] = service
	}
	if host, ok := c["host_uuid"].(string); ok {
		self["host"] = v.hosts.by[host]
	}
	return self
}

// containerService is the id of a container's service.
func containerService(c object) string {
	uuid, _ := c["service_uuid"].(string)
	name, _ := c["service_name"].(string)
	return serviceID(uuid, name)
}

func (t table) list() (list []any) {
	for _, id := range t.ids {
		list = append(list, t.by[id])
	}
	return list
}
