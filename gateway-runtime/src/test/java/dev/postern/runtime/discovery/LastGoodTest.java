package dev.postern.runtime.discovery;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.Endpoint;
import dev.postern.runtime.discovery.LastGood.Verdict;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class LastGoodTest {
    private final LastGood lastGood = new LastGood();

    @Test
    void the_first_list_is_believed_and_the_same_is_no_news() {
        assertThat(lastGood.judge(list("a", "b"))).isEqualTo(Verdict.TELL);
        assertThat(lastGood.judge(list("a", "b"))).isEqualTo(Verdict.SAME);
    }

    @Test
    void an_empty_list_is_never_believed() {
        assertThat(lastGood.judge(list())).isEqualTo(Verdict.EMPTY);
        lastGood.judge(list("a"));
        assertThat(lastGood.judge(list())).isEqualTo(Verdict.EMPTY);
        assertThat(lastGood.judge(list())).isEqualTo(Verdict.EMPTY);
        assertThat(lastGood.judge(list("a"))).isEqualTo(Verdict.SAME);
    }

    @Test
    void half_may_go_at_once() {
        lastGood.judge(list("a", "b", "c", "d"));
        assertThat(lastGood.judge(list("a", "b"))).isEqualTo(Verdict.TELL);
    }

    @Test
    void more_than_half_may_go_when_it_is_said_twice() {
        lastGood.judge(list("a", "b", "c", "d"));
        assertThat(lastGood.judge(list("a"))).isEqualTo(Verdict.ASK_AGAIN);
        assertThat(lastGood.doubtful()).isEqualTo(list("a"));
        assertThat(lastGood.judge(list("a"))).isEqualTo(Verdict.TELL);
        assertThat(lastGood.doubtful()).isEmpty();
    }

    @Test
    void what_was_said_before_speaks_against_a_doubtful_list() {
        lastGood.judge(list("a", "b", "c", "d"));
        lastGood.judge(list("a"));
        assertThat(lastGood.judge(list("a", "b", "c", "d"))).isEqualTo(Verdict.SAME);
        assertThat(lastGood.judge(list("a"))).isEqualTo(Verdict.ASK_AGAIN);
    }

    @Test
    void an_exchange_of_all_counts_as_a_loss_and_other_weights_do_not() {
        lastGood.judge(list("a", "b"));
        assertThat(lastGood.judge(list("c", "d"))).isEqualTo(Verdict.ASK_AGAIN);
        assertThat(lastGood.judge(List.of(
                        Endpoint.of("http://a").weight(5),
                        Endpoint.of("http://b").weight(5))))
                .isEqualTo(Verdict.TELL);
    }

    private static List<Endpoint> list(String... hosts) {
        return Stream.of(hosts).map(host -> Endpoint.of("http://" + host)).toList();
    }
}
