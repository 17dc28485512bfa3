// Package soak keeps a pool at full load for a long time, samples what the host
// and the workers use, and says whether it grows.
//
// # What flat means
//
// The first part of the time, a fifth but at least one minute where there is
// so much, is warm-up and does not count. The samples after it are taken together
// in 24 blocks, of which each gives its median, and a line is laid through these
// by the Theil-Sen estimator: the median of the slopes between all pairs. Unlike
// least squares it is not moved by spikes, of which a collector makes many
// (P. K. Sen, Estimates of the regression coefficient based on Kendall's tau,
// 1968); the blocks take out its saw. A series is flat if the line rises by no
// more, over the whole time, than its tolerance: for memory a tenth of its median
// but at least 8 MiB, for counts two. A series that falls is flat.
package soak
