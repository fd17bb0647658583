package dev.postern.runtime.observe;

import dev.postern.Exchange;
import dev.postern.ExchangeObserver;
import dev.postern.Outcome;
import dev.postern.Request;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells many observers as if they were one, in the order of the list, and keeps what one of them throws from the exchange
 * and from the others: it is logged as a warning, once for each class of observer, and otherwise ignored. Safe on any
 * thread.
 */
public final class SafeObservers implements ExchangeObserver {
    private static final System.Logger LOGGER = System.getLogger("dev.postern.observe");
    private static final ExchangeObserver NOBODY = new Nobody();

    private final ExchangeObserver[] observers;
    // Shared by all loops; holds at most one entry for each class of observer.
    private final Set<Class<?>> blamed = ConcurrentHashMap.newKeySet();

    private SafeObservers(List<ExchangeObserver> observers) {
        this.observers = observers.toArray(new ExchangeObserver[0]);
    }

    /** One observer that stands for these. For an empty list it is always the same one, which does nothing. */
    public static ExchangeObserver of(List<ExchangeObserver> observers) {
        return observers.isEmpty() ? NOBODY : new SafeObservers(observers);
    }

    @Override
    public void started(Request request, Exchange exchange) {
        for (ExchangeObserver observer : observers) {
            try {
                observer.started(request, exchange);
            } catch (Throwable thrown) {
                blame(observer, "started", thrown);
            }
        }
    }

    @Override
    public void attemptStarted(Attempt attempt, Exchange exchange) {
        for (ExchangeObserver observer : observers) {
            try {
                observer.attemptStarted(attempt, exchange);
            } catch (Throwable thrown) {
                blame(observer, "attemptStarted", thrown);
            }
        }
    }

    @Override
    public void attemptEnded(Attempt attempt, Exchange exchange) {
        for (ExchangeObserver observer : observers) {
            try {
                observer.attemptEnded(attempt, exchange);
            } catch (Throwable thrown) {
                blame(observer, "attemptEnded", thrown);
            }
        }
    }

    @Override
    public void ended(Request request, Exchange exchange, Outcome outcome) {
        for (ExchangeObserver observer : observers) {
            try {
                observer.ended(request, exchange, outcome);
            } catch (Throwable thrown) {
                blame(observer, "ended", thrown);
            }
        }
    }

    @Override
    public void refused(Refused refused) {
        for (ExchangeObserver observer : observers) {
            try {
                observer.refused(refused);
            } catch (Throwable thrown) {
                blame(observer, "refused", thrown);
            }
        }
    }

    private void blame(ExchangeObserver observer, String event, Throwable thrown) {
        if (blamed.add(observer.getClass())) {
            LOGGER.log(
                    Level.WARNING,
                    () -> "observer " + observer.getClass().getName() + " failed in " + event
                            + "; exchanges are not affected, and this is not logged again",
                    thrown);
        }
    }

    private static final class Nobody implements ExchangeObserver {
        @Override
        public String toString() {
            return "nobody";
        }
    }
}
