// Package bench measures the real program: a wconf process that follows a real
// etcd or a metadata server and writes real files. It holds benchmarks alone;
//
//	make bench                       # everything, a quarter of an hour
//	make bench BENCH='Change|Burst'  # some of it
//	make bench COUNT=5               # often enough for benchstat to judge
//
// prints lines that benchstat reads, and a table of them at the end. With
// -short the worlds are small and all of it takes less than a minute.
//
// What counts is measured from outside: the moment of a rename by inotify, CPU
// and memory from /proc, bytes by a proxy in between, requests by the server's
// own metrics. The benchmark, the store and wconf share the machine, so wall
// times are those of a busy one. Outputs are synced to the disk, as by default;
// etcd's data are not, so that a latency shows more of wconf and less of etcd.
//
// With WCONF_PROGRAM=path another build is measured, for a before and an after.
// With WCONF_PROFILE=dir the program under test is built with a profiler and
// leaves CPU and heap profiles there. results/ holds what was measured before
// and after a change that was about speed, by dates.
package bench
