from .corpus import DatePair as DatePair
from .corpus import Dates as Dates
from .corpus import Spans as Spans
from .form import Form as Form
from .forms import all_forms as all_forms
from .locales import LOCALES as LOCALES
from .split import days_of as days_of
