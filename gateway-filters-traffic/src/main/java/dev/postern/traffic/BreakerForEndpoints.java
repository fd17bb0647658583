package dev.postern.traffic;

import dev.postern.EndpointBreaker;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Breaker} before each endpoint of an upstream.
 *
 * @param name stands in logs
 * @param control the host's switch, or null; it forces all of them
 */
record BreakerForEndpoints(
        String name, BreakerRules rules, @Nullable BreakerSwitch control) implements EndpointBreaker {
    @Override
    public Gate gate(String upstream, String endpoint, long nowNanos, Consumer<State> told) {
        String place = " of endpoint " + endpoint + " of upstream \"" + upstream + '"';
        Breaker breaker = new Breaker(rules, nowNanos, change -> {
            Breakers.log(name, place, rules, change);
            // To force what is closed anyway is news for the log only: nobody comes back who was out.
            if (stateOf(change.from()) != stateOf(change.to())) {
                told.accept(stateOf(change.to()));
            }
        });
        return new BreakerGate(breaker);
    }

    private static State stateOf(Breaker.State state) {
        return switch (state) {
            case CLOSED, FORCED_CLOSED -> State.CLOSED;
            case OPEN, FORCED_OPEN -> State.OPEN;
            case HALF_OPEN -> State.HALF_OPEN;
        };
    }

    private BreakerSwitch.Position position() {
        return control == null ? BreakerSwitch.Position.AUTOMATIC : control.position();
    }

    @Override
    public String toString() {
        return "circuit breaker \"" + name + "\" for each endpoint, " + rules;
    }

    private final class BreakerGate implements Gate {
        private final Breaker breaker;

        BreakerGate(Breaker breaker) {
            this.breaker = breaker;
        }

        @Override
        public boolean admits(long nowNanos) {
            return breaker.admits(nowNanos, position());
        }

        @Override
        public long tryAcquire(long nowNanos) {
            return breaker.tryAcquire(nowNanos, position());
        }

        @Override
        public void end(long permit, Ending ending, long tookNanos, long nowNanos) {
            breaker.end(
                    permit,
                    switch (ending) {
                        case SUCCESS -> Breaker.Ending.SUCCESS;
                        case FAILURE -> Breaker.Ending.FAILURE;
                        // As for the filter: to be left after so long is to have been slow, before that it is nothing.
                        case ABANDONED -> rules.isSlow(tookNanos) ? Breaker.Ending.SUCCESS : Breaker.Ending.IGNORED;
                        case IGNORED -> Breaker.Ending.IGNORED;
                    },
                    tookNanos,
                    nowNanos);
        }

        @Override
        public String summary(long nowNanos) {
            // Not only at the next call: while forced open there is none.
            breaker.obey(position(), nowNanos);
            return breaker.summary(nowNanos);
        }
    }
}
