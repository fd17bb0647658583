package dev.postern;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes endpoints out by what their answers say, for a while: passive health. What makes an endpoint an outlier, and the
 * defaults, are Envoy's.
 *
 * <p>An ejected endpoint gets no requests unless so many are out that none of it is believed ({@link
 * Upstream.Builder#panicThreshold}). It comes back by itself: after the base time, after twice the base time when it happens
 * again, and so on; each interval without an ejection shortens the next one by one base time.
 *
 * <p>Connect failures, resets and time-outs count as 5xx, time-outs as 504 and the others as 502 and 503, unless {@link
 * Builder#consecutiveLocalFailures} counts them apart. What clients do to their own requests counts as nothing.
 */
public final class OutlierDetection {
    private static final OutlierDetection STANDARD = new Builder().build();

    private final int consecutive5xx;
    private final int consecutiveGatewayFailures;
    private final int consecutiveLocalFailures;
    private final Duration interval;
    private final Duration baseEjection;
    private final Duration maxEjection;
    private final Duration ejectionJitter;
    private final double maxEjectedShare;
    private final double successRateFactor;
    private final int successRateEndpoints;
    private final int successRateVolume;
    private final double failureShare;
    private final int failureShareEndpoints;
    private final int failureShareVolume;
    private final boolean endsWithCheck;

    private OutlierDetection(Builder builder) {
        consecutive5xx = builder.consecutive5xx;
        consecutiveGatewayFailures = builder.consecutiveGatewayFailures;
        consecutiveLocalFailures = builder.consecutiveLocalFailures;
        interval = builder.interval;
        baseEjection = builder.baseEjection;
        maxEjection = builder.maxEjection;
        ejectionJitter = builder.ejectionJitter;
        maxEjectedShare = builder.maxEjectedShare;
        successRateFactor = builder.successRateFactor;
        successRateEndpoints = builder.successRateEndpoints;
        successRateVolume = builder.successRateVolume;
        failureShare = builder.failureShare;
        failureShareEndpoints = builder.failureShareEndpoints;
        failureShareVolume = builder.failureShareVolume;
        endsWithCheck = builder.endsWithCheck;
    }

    /** Five answers of 5xx in a row, or a success rate far below that of the others; at most a tenth of the endpoints. */
    public static OutlierDetection standard() {
        return STANDARD;
    }

    /** Begins with the standard settings. */
    public static Builder builder() {
        return new Builder();
    }

    /** Answers of 5xx in a row that eject; 0 for off. */
    public int consecutive5xx() {
        return consecutive5xx;
    }

    /** Answers of 502, 503 or 504 in a row that eject; 0 for off. */
    public int consecutiveGatewayFailures() {
        return consecutiveGatewayFailures;
    }

    /** Attempts without an answer in a row that eject; 0 when they count as 5xx. */
    public int consecutiveLocalFailures() {
        return consecutiveLocalFailures;
    }

    /** The time between two looks at the statistics. */
    public Duration interval() {
        return interval;
    }

    /** The unit of an ejection. */
    public Duration baseEjection() {
        return baseEjection;
    }

    /** The longest ejection; that of {@link #baseEjection} if that is longer. */
    public Duration maxEjection() {
        return maxEjection;
    }

    /** By chance added to an ejection. */
    public Duration ejectionJitter() {
        return ejectionJitter;
    }

    /** The share of ejected endpoints at which no more are ejected. */
    public double maxEjectedShare() {
        return maxEjectedShare;
    }

    /** How many standard deviations below the mean a success rate may be; 0 for off. */
    public double successRateFactor() {
        return successRateFactor;
    }

    /** Endpoints with enough answers that make a mean. */
    public int successRateEndpoints() {
        return successRateEndpoints;
    }

    /** Answers in an interval that make a success rate. */
    public int successRateVolume() {
        return successRateVolume;
    }

    /** The share of failures in an interval that ejects; 0 for off. */
    public double failureShare() {
        return failureShare;
    }

    /** Endpoints with enough answers, below which shares are not looked at. */
    public int failureShareEndpoints() {
        return failureShareEndpoints;
    }

    /** Answers in an interval that make a share. */
    public int failureShareVolume() {
        return failureShareVolume;
    }

    /** Whether a health check that passes ends an ejection. */
    public boolean endsWithCheck() {
        return endsWithCheck;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof OutlierDetection that && that.values().equals(values());
    }

    @Override
    public int hashCode() {
        return values().hashCode();
    }

    @Override
    public String toString() {
        List<String> rules = new ArrayList<>();
        add(rules, consecutive5xx > 0, consecutive5xx + " × 5xx");
        add(rules, consecutiveGatewayFailures > 0, consecutiveGatewayFailures + " × gateway failure");
        add(rules, consecutiveLocalFailures > 0, consecutiveLocalFailures + " × no answer");
        add(
                rules,
                successRateFactor > 0,
                "success rate " + successRateFactor + "σ below (" + successRateEndpoints + " endpoints, "
                        + successRateVolume + " answers)");
        add(
                rules,
                failureShare > 0,
                "failures >= " + failureShare + " (" + failureShareEndpoints + " endpoints, " + failureShareVolume
                        + " answers)");
        return "outliers: " + String.join(", ", rules) + "; every " + interval + "; ejected for " + baseEjection
                + " to " + maxEjection + (ejectionJitter.isZero() ? "" : " + " + ejectionJitter) + ", at most "
                + maxEjectedShare + (endsWithCheck ? "" : ", whatever checks say");
    }

    private static void add(List<String> texts, boolean wanted, String text) {
        if (wanted) {
            texts.add(text);
        }
    }

    private List<Object> values() {
        return List.of(
                consecutive5xx,
                consecutiveGatewayFailures,
                consecutiveLocalFailures,
                interval,
                baseEjection,
                maxEjection,
                ejectionJitter,
                maxEjectedShare,
                successRateFactor,
                successRateEndpoints,
                successRateVolume,
                failureShare,
                failureShareEndpoints,
                failureShareVolume,
                endsWithCheck);
    }

    /** Collects the settings; bad values are refused at once. */
    public static final class Builder {
        private int consecutive5xx = 5;
        private int consecutiveGatewayFailures;
        private int consecutiveLocalFailures;
        private Duration interval = Duration.ofSeconds(10);
        private Duration baseEjection = Duration.ofSeconds(30);
        private Duration maxEjection = Duration.ofMinutes(5);
        private Duration ejectionJitter = Duration.ZERO;
        private double maxEjectedShare = 0.1;
        private double successRateFactor = 1.9;
        private int successRateEndpoints = 5;
        private int successRateVolume = 100;
        private double failureShare;
        private int failureShareEndpoints = 5;
        private int failureShareVolume = 50;
        private boolean endsWithCheck = true;

        private Builder() {}

        /** Ejects after so many answers of 5xx in a row, 1 or more; the default is 5. */
        public Builder consecutive5xx(int count) {
            consecutive5xx = atLeastOne("consecutive5xx", count);
            return this;
        }

        /** Does not count 5xx in a row. */
        public Builder withoutConsecutive5xx() {
            consecutive5xx = 0;
            return this;
        }

        /** Ejects after so many answers of 502, 503 or 504 in a row, 1 or more; the default is not to. */
        public Builder consecutiveGatewayFailures(int count) {
            consecutiveGatewayFailures = atLeastOne("consecutiveGatewayFailures", count);
            return this;
        }

        /**
         * Counts attempts without an answer (refused, reset, timed out) apart from 5xx and ejects after so many in a row, 1
         * or more; the default is to count them as 5xx. Their statistics are kept apart as well.
         */
        public Builder consecutiveLocalFailures(int count) {
            consecutiveLocalFailures = atLeastOne("consecutiveLocalFailures", count);
            return this;
        }

        /** The time between two looks at the statistics and at who may return, more than zero; the default is 10 seconds. */
        public Builder interval(Duration newInterval) {
            interval = Durations.positive("interval", newInterval);
            return this;
        }

        /** An ejection lasts this long times the number of ejections, more than zero; the default is 30 seconds. */
        public Builder baseEjection(Duration newBaseEjection) {
            baseEjection = Durations.positive("baseEjection", newBaseEjection);
            return this;
        }

        /** The longest ejection, more than zero; the default is 300 seconds. */
        public Builder maxEjection(Duration newMaxEjection) {
            maxEjection = Durations.positive("maxEjection", newMaxEjection);
            return this;
        }

        /** Adds up to this to an ejection, by chance, so that many do not return together; the default is none. */
        public Builder ejectionJitter(Duration newJitter) {
            ejectionJitter = Durations.positive("ejectionJitter", newJitter);
            return this;
        }

        /**
         * Ejects only while the ejected ones are less than this share of the endpoints, 0 to 1; the default is 0.1. One is
         * always less than any share but 0.
         */
        public Builder maxEjectedShare(double share) {
            maxEjectedShare = share("maxEjectedShare", share);
            return this;
        }

        /**
         * Ejects an endpoint whose share of successes in an interval is more than {@code factor} standard deviations below
         * the mean, if enough endpoints had enough answers. The default is 1.9, 5 and 100.
         *
         * @param factor more than 0
         * @param endpoints 1 or more
         * @param volume answers in an interval, 1 or more
         */
        public Builder successRate(double factor, int endpoints, int volume) {
            if (!(factor > 0) || factor > 100) {
                throw new IllegalArgumentException("successRate factor: " + factor + " (expected: more than 0 to 100)");
            }
            successRateFactor = factor;
            successRateEndpoints = atLeastOne("successRate endpoints", endpoints);
            successRateVolume = atLeastOne("successRate volume", volume);
            return this;
        }

        /** Does not compare success rates. */
        public Builder withoutSuccessRate() {
            successRateFactor = 0;
            return this;
        }

        /**
         * Ejects an endpoint of whose answers in an interval at least this share have failed, if enough endpoints had
         * enough answers. The default is not to; Envoy's values are 0.85, 5 and 50.
         *
         * @param share more than 0 to 1
         * @param endpoints 1 or more
         * @param volume answers in an interval, 1 or more
         */
        public Builder failureShare(double share, int endpoints, int volume) {
            if (!(share > 0) || share > 1) {
                throw new IllegalArgumentException("failureShare: " + share + " (expected: more than 0 to 1)");
            }
            failureShare = share;
            failureShareEndpoints = atLeastOne("failureShare endpoints", endpoints);
            failureShareVolume = atLeastOne("failureShare volume", volume);
            return this;
        }

        /** Keeps an ejected endpoint out for its time although its health check passes. The default is to believe the check. */
        public Builder despiteChecks() {
            endsWithCheck = false;
            return this;
        }

        /** The settings. */
        public OutlierDetection build() {
            return new OutlierDetection(this);
        }

        private static int atLeastOne(String name, int value) {
            if (value < 1) {
                throw new IllegalArgumentException(name + ": " + value + " (expected: >= 1)");
            }
            return value;
        }

        private static double share(String name, double value) {
            if (!(value >= 0 && value <= 1)) {
                throw new IllegalArgumentException(name + ": " + value + " (expected: 0 to 1)");
            }
            return value;
        }
    }
}
