package dev.postern;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The one kind of split there is. */
record SplitValue(List<Split.Share> shares, @Nullable RequestKey key) implements Split {
    @Override
    public String toString() {
        return shares + (key == null ? "" : " sticky by " + key);
    }
}
