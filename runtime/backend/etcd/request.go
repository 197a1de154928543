package etcd

// request is one span to watch, and what to watch instead when the user may
// not read all of it.
type request struct {
	span     span
	narrower []request
	optional bool // refused, its keys are taken as absent
}

// requests is one span for each prefix: with a single one, each event is
// complete in itself and can be handed on without asking how far the others
// are.
func requests(ps []part) []request {
	var rs []request
	for _, p := range ps {
		r := request{span: p.around}
		if p.self.start != "" {
			r.narrower = append(r.narrower, request{span: p.self, optional: true})
			for _, s := range p.tree {
				r.narrower = append(r.narrower, request{span: s})
			}
		}
		rs = append(rs, r)
	}
	return rs
}

// together is a single span over several, with what lies between them.
func together(rs []request) request {
	if len(rs) == 1 {
		return rs[0]
	}
	spans := make([]span, len(rs))
	for i, r := range rs {
		spans[i] = r.span
	}
	return request{span: covering(spans), narrower: rs}
}
