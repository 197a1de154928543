package rancher

// An object may have two members of one name. confd decodes into a map, where
// the last one stands, whole; so must what the first one has left vanish. Real
// servers send names in order, and then one look at the name before is enough.

// member is a name in an object that is open, and where its leaves begin.
type member struct {
	name string
	leaf int
}

// object is what is known of the names of an object that is open.
type object struct {
	first     int // of its members
	unordered bool
	places    map[string]int // of the newest member of each name, when there are many
}

// fewMembers are looked through one by one.
const fewMembers = 16

// enter begins a member. One of the same name that came before is dropped.
func (f *flattener) enter(o *object, name string) {
	all := f.members[o.first:]
	if n := len(all); n > 0 && name <= all[n-1].name {
		o.unordered = true
	}
	if o.unordered {
		if i := o.place(all, name); i >= 0 {
			f.drop(all, i)
		}
	}
	f.members = append(f.members, member{name, len(f.leaves)})
}

// place finds the newest member of a name, or -1, and notes that there will be
// another one at the end.
func (o *object) place(all []member, name string) int {
	if len(all) <= fewMembers {
		for i := len(all) - 1; i >= 0; i-- {
			if all[i].name == name {
				return i
			}
		}
		return -1
	}
	if o.places == nil {
		o.places = make(map[string]int, 2*len(all))
		for i, m := range all {
			o.places[m.name] = i
		}
	}
	i, there := o.places[name]
	o.places[name] = len(all)
	if !there {
		return -1
	}
	return i
}

// drop takes out the leaves of a member. Each leaf is dropped once per level at
// most.
func (f *flattener) drop(all []member, i int) {
	end := len(f.leaves)
	if i+1 < len(all) {
		end = all[i+1].leaf
	}
	for j := all[i].leaf; j < end; j++ {
		l := &f.leaves[j]
		if l.kept > 0 {
			f.known.used[l.kept-1] = false
		}
		*l = leaf{}
	}
}
