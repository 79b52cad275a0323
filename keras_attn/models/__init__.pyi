from .compose import seq2seq as seq2seq
from .decoders.rnn import RNNDecoder as RNNDecoder
from .encoders.rnn import RNNEncoder as RNNEncoder
from .encoding import Encoding as Encoding
from .views import Views as Views
