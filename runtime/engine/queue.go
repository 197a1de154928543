package engine

import (
	"cmp"
	"container/heap"
	"time"
)

// queue is what is to be done, the earliest first; what is due at one time
// runs in the order of the files, each reload after the resources.
type queue []item

type item interface {
	dueAt() time.Time
	rank() int
	place() *int
}

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return cmp.Or(q[i].dueAt().Compare(q[j].dueAt()), cmp.Compare(q[i].rank(), q[j].rank())) < 0
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i]; *q[i].place(), *q[j].place() = i, j }
func (q *queue) Push(x any)   { i := x.(item); *i.place() = len(*q); *q = append(*q, i) }
func (q *queue) Pop() any {
	last := (*q)[len(*q)-1]
	*last.place() = -1
	*q = (*q)[:len(*q)-1]
	return last
}

// schedule says when a task or a reload is to be looked at; zero for not.
func (e *Engine) schedule(i interface {
	item
	setDue(time.Time)
}, due time.Time) {
	i.setDue(due)
	at := *i.place()
	switch {
	case due.IsZero() && at >= 0:
		heap.Remove(&e.queue, at)
	case due.IsZero():
	case at >= 0:
		heap.Fix(&e.queue, at)
	default:
		heap.Push(&e.queue, i)
	}
}
