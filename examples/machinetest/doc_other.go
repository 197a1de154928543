//go:build !linux

// Package machinetest gives a test a machine of its own; only Linux can.
package machinetest
