// Package chaos drives a real pool under load while its workers are killed,
// frozen and exchanged, and keeps books on every call: each is numbered, each
// answer is compared with its input, each execution leaves a trace outside the
// pool, and what the callers were told is held against those traces.
package chaos
