// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "tcp/timer_wheel.h"

uint64_t timer_wheel__lateness_jiffies(uint64_t delta)
{
	unsigned int level = 0;

	/* LVL_START(n) = 63 << (3 * (n - 1)); nine levels with HZ > 100, and longer timers are cut
	 * to the capacity of the last one. */
	while (level < 8 && delta >= (63ULL << (3 * level)))
		level++;
	return (1ULL << (3 * level)) + 1;
}

/* Its expiry is cut down to the granule, and one is added. */
double timer_wheel__fires_after_s(double s, unsigned int hz, double chance)
{
	double jiffies = fmax(0, s * hz), granule = timer_wheel__lateness_jiffies(jiffies) - 1;

	return (jiffies + granule * (1 - chance) + 0.5) / hz;
}

double timer_wheel__late_by_granule_s(double s, unsigned int hz, double of_s)
{
	double granule = timer_wheel__lateness_jiffies(fmax(0, of_s * hz)) - 1;

	return (floor(fmax(0, s * hz) / granule) + 1) * granule / hz;
}

double timer_wheel__fires_after_firing_s(double s, unsigned int hz, double fired_s, double chance)
{
	if (timer_wheel__lateness_jiffies(fmax(0, fired_s * hz)) <
	    timer_wheel__lateness_jiffies(fmax(0, s * hz)))
		return timer_wheel__fires_after_s(s, hz, chance);
	return timer_wheel__late_by_granule_s(s, hz, s);
}

double timer_wheel__chance(unsigned int n, double irrational)
{
	return fmod((n + 1) * irrational, 1);
}
