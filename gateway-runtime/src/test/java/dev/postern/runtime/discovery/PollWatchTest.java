package dev.postern.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.runtime.health.LogLines;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PollWatchTest {
    private final ScriptedServices services = new ScriptedServices();
    private final List<String> told = new ArrayList<>();
    private final LogLines log = new LogLines("dev.postern.discovery");
    private int questions;
    private CompletableFuture<Found> answer = found("a", "b", "c", "d");
    private final PollWatch watch = new PollWatch(
            services,
            "the register",
            () -> {
                questions++;
                return answer;
            },
            list -> told.add(list.toString()));

    @AfterEach
    void close_log() {
        watch.stop();
        log.close();
        assertThat(services.time.pending()).isZero();
    }

    @Test
    void it_asks_at_once_and_then_after_the_interval_of_the_source() {
        watch.start();
        assertThat(told).containsExactly("[http://a, http://b, http://c, http://d]");

        services.time.advance(Duration.ofSeconds(8));
        assertThat(questions).isEqualTo(1);
        services.time.advance(Duration.ofSeconds(3));
        assertThat(questions).isEqualTo(2);
        assertThat(told).hasSize(1);
    }

    @Test
    void a_source_that_holds_questions_is_asked_again_after_a_tenth_of_a_second() {
        answer = CompletableFuture.completedFuture(new Found(list("a"), Duration.ZERO));
        watch.start();
        services.time.advance(Duration.ofMillis(99));
        assertThat(questions).isEqualTo(1);
        services.time.advance(Duration.ofMillis(1));
        assertThat(questions).isEqualTo(2);
    }

    @Test
    void failures_keep_the_list_and_are_one_line_and_the_return_another() {
        watch.start();
        answer = CompletableFuture.failedFuture(new CompletionException(new IllegalStateException("it is away")));
        services.time.advance(Duration.ofMinutes(5));
        answer = found("a", "b", "c");
        services.time.advance(Duration.ofSeconds(30));

        assertThat(log.lines()).hasSize(2);
        assertThat(log.lines().get(0))
                .isEqualTo("WARNING the register cannot be used: it is away; the endpoints known stay in use");
        assertThat(log.lines().get(1)).startsWith("INFO the register can be used again after ");
        assertThat(told).containsExactly("[http://a, http://b, http://c, http://d]", "[http://a, http://b, http://c]");
    }

    @Test
    void the_pause_after_failures_doubles_up_to_half_a_minute() {
        answer = CompletableFuture.failedFuture(new IllegalStateException("it is away"));
        watch.start();
        List<Long> pauses = new ArrayList<>();
        long since = 0;
        for (int seen = questions; pauses.size() < 8; ) {
            services.time.advance(Duration.ofMillis(10));
            if (questions > seen) {
                seen = questions;
                long now = services.time.nanoTime() / 1_000_000;
                pauses.add(now - since);
                since = now;
            }
        }
        long[] longest = {1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000};
        for (int i = 0; i < longest.length; i++) {
            assertThat(pauses.get(i)).as("pause %s of %s", i, pauses).isBetween(longest[i] / 2, longest[i] + 10);
        }
    }

    @Test
    void an_answer_that_names_nobody_is_a_failure() {
        watch.start();
        answer = found();
        services.time.advance(Duration.ofSeconds(12));
        assertThat(told).hasSize(1);
        assertThat(log.lines().get(0)).contains("it names no endpoint");
    }

    @Test
    void a_great_loss_is_asked_about_again_and_then_told() {
        watch.start();
        answer = found("a");
        services.time.advance(Duration.ofSeconds(11));
        int before = questions;
        assertThat(told).hasSizeBetween(1, 2);
        services.time.advance(Duration.ofMillis(250));
        assertThat(told).last().isEqualTo("[http://a]");
        assertThat(questions - before).isLessThanOrEqualTo(1);
    }

    @Test
    void a_great_loss_that_cannot_be_asked_about_is_told_all_the_same() {
        watch.start();
        answer = new CompletableFuture<>();
        services.time.advance(Duration.ofSeconds(11));
        CompletableFuture<Found> open = answer;
        answer = CompletableFuture.failedFuture(new IllegalStateException("it is away"));
        open.complete(new Found(list("a"), Duration.ofSeconds(10)));

        services.time.advance(Duration.ofMillis(749));
        assertThat(told).hasSize(1);
        services.time.advance(Duration.ofMillis(1));
        assertThat(told).last().isEqualTo("[http://a]");
    }

    @Test
    void after_the_end_nothing_is_told_or_asked() {
        answer = new CompletableFuture<>();
        watch.start();
        watch.stop();
        answer.complete(new Found(list("a"), Duration.ofSeconds(1)));
        services.time.advance(Duration.ofMinutes(1));
        assertThat(told).isEmpty();
        assertThat(questions).isEqualTo(1);
    }

    @Test
    void a_question_that_throws_is_a_failure() {
        PollWatch broken = new PollWatch(
                        services,
                        "a broken source",
                        () -> {
                            throw new IllegalStateException("no question today");
                        },
                        list -> told.add("never"))
                .start();
        assertThat(log.lines().get(0)).contains("a broken source cannot be used: no question today");
        broken.stop();
    }

    private static CompletableFuture<Found> found(String... hosts) {
        return CompletableFuture.completedFuture(new Found(list(hosts), Duration.ofSeconds(10)));
    }

    private static List<Endpoint> list(String... hosts) {
        return Stream.of(hosts).map(host -> Endpoint.of("http://" + host)).toList();
    }
}
