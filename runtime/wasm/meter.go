package wasm

import (
	"context"
	"errors"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// meter counts an instance's fuel. The guest counts slices of it down in a
// global of its own, so that it must come by Go about every ten thousand
// instructions; what host functions take is counted here.
type meter struct {
	limit   uint64
	granted uint64 // all slices
	host    uint64
	due     uint64            // of host: when to look at the time again
	left    api.MutableGlobal // of the slice; below zero when it is used up. nil until the first tick
	room    api.MutableGlobal // of the stack; below zero when it is used up
}

// slice is the fuel that a guest gets at a time: some tens of microseconds.
const slice = 1 << 17

// used is exact: what was granted, without the rest of the slice.
func (m *meter) used() uint64 {
	if m.left == nil {
		return m.host
	}
	return m.granted - m.left.Get() + m.host // a global below zero adds
}

// refill grants the next slice, as far as the limit goes.
func (m *meter) refill() error {
	used := m.used()
	if used > m.limit {
		return errFuel
	}
	next := min(slice, m.limit-used)
	m.granted += next - m.left.Get()
	m.left.Set(next)
	return nil
}

// take is for host functions.
func (m *meter) take(fuel uint64) error {
	m.host += fuel
	if m.granted+m.host > m.limit && m.used() > m.limit {
		return errFuel
	}
	return nil
}

// provideTick makes the function that instrumented guests call.
func provideTick(ctx context.Context, engine wazero.Runtime) error {
	_, err := engine.NewHostModuleBuilder(tickModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(tick), nil, nil).Export(tickName).Instantiate(ctx)
	return err
}

// tick ends the invocation when a limit is reached, or gives the guest another
// slice.
func tick(ctx context.Context, guest api.Module, _ []uint64) {
	i := instanceOf(ctx)
	m := &i.meter
	if m.left == nil {
		m.left = guest.ExportedGlobal(fuelExport).(api.MutableGlobal)
		m.room = guest.ExportedGlobal(roomExport).(api.MutableGlobal)
		m.room.Set(uint64(i.limits.Stack))
	}
	if int32(uint32(m.room.Get())) < 0 {
		panic(errStack)
	}
	if err := m.refill(); err != nil {
		panic(err)
	}
	if err := i.lane.next(ctx); err != nil {
		panic(err)
	}
	if err := i.overdue(); err != nil {
		panic(err)
	}
}

// spent is asked within a host call that has cost some fuel so far. What it took
// when it ends the invocation is the same each time.
func (i *Instance) spent(fuel uint64) error {
	if i.meter.used()+fuel > i.meter.limit {
		return i.meter.take(fuel)
	}
	return i.overdue()
}

// overdue is why the invocation must end: its time is up, or wconf gave up on it.
func (i *Instance) overdue() error {
	if err := i.ctx.Err(); err != nil {
		return err
	}
	if !time.Now().Before(i.deadline.Add(i.lane.waited)) {
		return context.DeadlineExceeded
	}
	return nil
}

// fuelPerLook is what host calls cost between two looks at the time: some tens
// of microseconds.
const fuelPerLook = 1 << 13

// pay takes fuel for a host call.
func (i *Instance) pay(fuel uint64) error {
	m := &i.meter
	if err := m.take(fuel); err != nil || m.host < m.due {
		return err
	}
	m.due = m.host + fuelPerLook
	return i.overdue()
}

// charge is pay for those who cannot return errors.
func (i *Instance) charge(fuel uint64) {
	if err := i.pay(fuel); err != nil {
		panic(err)
	}
}

// interrupt is overdue for those who cannot return errors.
func (i *Instance) interrupt() {
	if err := i.overdue(); err != nil {
		panic(err)
	}
}

func (i *Instance) timedOut(err error) bool { return errors.Is(err, context.DeadlineExceeded) }
