/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the probe share: time, threads, and the modes themselves. */
#ifndef FIEF_PROBE_H
#define FIEF_PROBE_H

#include <stdint.h>

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S 1000000000LL

/* CLOCK_MONOTONIC, in nanoseconds. */
int64_t now_ns(void);
/* CPU time of the calling thread, in nanoseconds. */
int64_t thread_ns(void);
/* Sleeps until that moment of CLOCK_MONOTONIC. */
void sleep_until(int64_t when_ns);
/* A number between a half and one and a half times @mean, so that nothing beats in step. */
int64_t jitter(int64_t mean, unsigned* seed);
/* Keeps a CPU busy for about a microsecond a round. */
void compute(unsigned rounds);
/* Computes until the calling thread has used that much more CPU time. */
void compute_ns(int64_t duration_ns);
/* Starts a thread with the policy that the program was started with; ends the program if it cannot.
 */
void start_thread(void* (*run)(void*), void* argument);
/* Puts the calling thread above all that is measured, so that it sees things when they happen. The
 * threads that it starts from then on are of the normal policy. */
void become_watcher(void);
/* Ends the program with a message when @failed. */
void check(int failed, const char* what);

/* The modes; each takes the numbers and names after its own name, and returns the exit status. */
int mode_spin(char** arguments);
int mode_nap(char** arguments);
int mode_storm(char** arguments);
int mode_wake(char** arguments);
int mode_request(char** arguments);
int mode_pipe(char** arguments);
int mode_gap(char** arguments);
int mode_reclaim(char** arguments);
int mode_caps(char** arguments);

#endif
