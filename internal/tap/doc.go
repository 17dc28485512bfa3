// Package tap lets a test stand between a host and its workers. A tap travels in
// the context that a pool is started with, so that nothing of it shows in any
// configuration, and costs a look at a context for each worker that is born.
package tap
