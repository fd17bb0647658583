package dev.postern.runtime.observe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.ExchangeObserver.Attempt;
import dev.postern.Outcome;
import dev.postern.Request;
import dev.postern.testing.FakeExchange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

class SafeObserversTest {
    private static final Attempt ATTEMPT = new Attempt("orders", "http://10.0.0.7:8081", 1, 0, 5, 200, null);
    private static final Outcome OUTCOME =
            new Outcome(200, null, null, Duration.ZERO, Duration.ZERO, 0, 0, 0, null, null);

    private final List<String> told = new ArrayList<>();

    @Test
    void nobody_to_tell_is_always_the_same_object() {
        ExchangeObserver nobody = SafeObservers.of(List.of());
        assertThat(nobody).isSameAs(SafeObservers.of(new ArrayList<>())).hasToString("nobody");
        tellAll(nobody);
    }

    @Test
    void every_observer_is_told_everything_in_the_order_of_the_list() {
        tellAll(SafeObservers.of(List.of(new Recorder("a"), new Recorder("b"))));
        assertThat(told)
                .containsExactly(
                        "a started",
                        "b started",
                        "a attempt started",
                        "b attempt started",
                        "a attempt ended",
                        "b attempt ended",
                        "a ended",
                        "b ended");
    }

    @Test
    void an_observer_that_throws_is_logged_once_for_its_class_and_the_others_are_still_told() {
        try (LogCapture log = new LogCapture("dev.postern.observe", Level.WARNING)) {
            ExchangeObserver all = SafeObservers.of(
                    List.of(new Thrower(), new Thrower(), new Recorder("a"), new OutOfOrder(), new Recorder("b")));
            tellAll(all);
            tellAll(all);
            assertThat(told).hasSize(16);
            assertThat(log.messages())
                    .hasSize(2)
                    .allMatch(
                            line -> line.startsWith(
                                    "WARNING observer " + getClass().getName()),
                            "names the class")
                    .anyMatch(line -> line.contains("$Thrower failed in started"))
                    .anyMatch(line -> line.contains("$OutOfOrder failed in attemptStarted"));
        }
    }

    private static void tellAll(ExchangeObserver observer) {
        Request request = Request.get("/");
        Exchange exchange = new FakeExchange();
        observer.started(request, exchange);
        observer.attemptStarted(ATTEMPT, exchange);
        observer.attemptEnded(ATTEMPT, exchange);
        observer.ended(request, exchange, OUTCOME);
    }

    private final class Recorder implements ExchangeObserver {
        private final String name;

        Recorder(String name) {
            this.name = name;
        }

        @Override
        public void started(Request request, Exchange exchange) {
            told.add(name + " started");
        }

        @Override
        public void attemptStarted(Attempt attempt, Exchange exchange) {
            told.add(name + " attempt started");
        }

        @Override
        public void attemptEnded(Attempt attempt, Exchange exchange) {
            told.add(name + " attempt ended");
        }

        @Override
        public void ended(Request request, Exchange exchange, Outcome outcome) {
            told.add(name + " ended");
        }
    }

    private static final class Thrower implements ExchangeObserver {
        @Override
        public void started(Request request, Exchange exchange) {
            throw new IllegalStateException("started");
        }

        @Override
        public void attemptEnded(Attempt attempt, Exchange exchange) {
            throw new StackOverflowError("attemptEnded");
        }

        @Override
        public void ended(Request request, Exchange exchange, Outcome outcome) {
            throw new IllegalStateException("ended");
        }
    }

    private static final class OutOfOrder implements ExchangeObserver {
        @Override
        public void attemptStarted(Attempt attempt, Exchange exchange) {
            throw new NoClassDefFoundError("a/b/C");
        }
    }
}
